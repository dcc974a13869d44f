"""Another package called `adapters` on the path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import foresight
from foresight.cli.main import main
from foresight.errors import UserError
from foresight.own_adapters import require_own_adapters


def test_our_own_package_is_accepted() -> None:
    """Where it lies does not matter."""
    require_own_adapters()


@pytest.mark.parametrize("content", ["class AutoAdapterModel: ...\n", None], ids=["a package", "a folder"])
def test_a_foreign_package_is_named(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With where it is and what to do: one line on the command line, the same error for a program."""
    folder = tmp_path / "adapters"
    folder.mkdir()
    (folder / ("notes.txt" if content is None else "__init__.py")).write_text(content or "")
    monkeypatch.delitem(sys.modules, "adapters", raising=False)
    monkeypatch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if "editable" not in str(finder)])
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    sys.path_importer_cache.clear()
    with pytest.raises(UserError, match=r"adapters.*installed with foresight.*another of that name.*pip uninstall"):
        require_own_adapters()
    with pytest.raises(UserError, match="another of that name"):
        _ = foresight.WorldModel
    assert main(["doctor"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and str(folder) in said[0]
