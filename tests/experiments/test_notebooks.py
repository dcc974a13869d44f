"""The notebooks: each runs from a clean kernel as it stands, is stripped in git, and draws what it speaks of."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "experiments" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
FEW = "4"
"""Clips here; the notebooks' own numbers are larger."""


def executed(path: Path) -> Any:
    """The notebook after a run in a kernel of its own."""
    book = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(book, timeout=300, kernel_name="python3", resources={"metadata": {"path": FOLDER}})
    client.execute()
    return book


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small counts, on the tree that is tested."""
    monkeypatch.setenv("NOTEBOOK_CLIPS", FEW)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    # Bars of tqdm want ipywidgets, which the extra `notebooks` has and the tests do without.
    monkeypatch.setenv("PYTHONWARNINGS", "ignore:IProgress not found")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_draws(path: Path) -> None:
    """No cell fails, nothing is complained of, and every notebook shows at least one figure."""
    outputs = [output for cell in executed(path).cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    drawn = [output for output in outputs if "<svg" in output.get("data", {}).get("text/html", "")]
    assert drawn, "no figure"
    complaints = [output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"]
    assert complaints == []


def test_there_are_ten() -> None:
    """One after the other, from a first prediction to a training run."""
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{number:02}" for number in range(1, 11)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_stripped_and_says_how_to_use_real_weights(path: Path) -> None:
    """No outputs or counts in git; a cell of text names the parts to put in."""
    book = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert any("With real weights" in "".join(cell["source"]) for cell in book["cells"])
    assert "NOTEBOOK_CLIPS" in "".join(code[0]["source"])
