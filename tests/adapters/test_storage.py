"""Folders of adapters that are damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters import load_adapter


def test_nesting_without_end_is_no_adapter(tmp_path: Path) -> None:
    """Refused as any damaged file."""
    (tmp_path / "adapter_config.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="expected an adapter"):
        load_adapter(tmp_path)
