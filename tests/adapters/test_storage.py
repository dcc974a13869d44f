"""Folders of adapters hold what their configuration says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from adapters import LinearConfig, Pairing, build_adapter, load_adapter, save_adapter

PAIRING = Pairing("q", 2, 3, (0, 2), "l", 4, 10)


def test_files_hold_exactly_the_weights(tmp_path: Path) -> None:
    """One more or one less is named; the configuration says which there are."""
    save_adapter(build_adapter(LinearConfig(PAIRING, (1.0, 2.0, 3.0))), tmp_path)
    tensors = load_file(tmp_path / "adapter.safetensors")
    name = min(tensors)
    for given, said in (
        ({**tensors, "more": torch.ones(1)}, r"missing \[\], left over \['more'\]"),
        ({key: value for key, value in tensors.items() if key != name}, rf"missing \['{name}'\], left over \[\]"),
        ({**tensors, name: torch.ones(9)}, "size mismatch"),
    ):
        save_file(given, tmp_path / "adapter.safetensors")
        with pytest.raises(ValueError, match=said):
            load_adapter(tmp_path)
    save_file(tensors, tmp_path / "adapter.safetensors")
    assert not load_adapter(tmp_path, dtype=torch.float64).training
