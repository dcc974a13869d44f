"""`foresight assemble`, from parts on disk to a prediction by the folder's name, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from foresight.cli.main import main
from ltx.bundle.checkpoint import Checkpoint
from ltx.checkpoint.hub import resolve

DEMO = Path(__file__).parents[3] / "experiments" / "clips"
CLIPS = ["ltx.frame_rate=8", "ltx.clip=[25,64,64]", "ltx.context=2"]


def test_parts_on_disk_become_a_model_that_commands_take(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An official file, a Qwen folder and an adapter, each by its path; the folder then stands after model=."""
    tiny, file = resolve("foresight-tiny", "vae"), tmp_path / "ltx, mine.safetensors"
    Checkpoint.from_pretrained(tiny).save_official(file)
    parts = [f"ltx={file}", f"vlm={tiny / 'vlm'}", f"adapter={tiny / 'adapter'}", f"text_encoder={tiny}", *CLIPS]
    wanted = ["sampling.guidance=1.5", "sampling.schedule=uniform", "sampling.steps=2"]
    assert main(["assemble", *parts, *wanted, f"to={tmp_path / 'mine'}"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "context frames" in said and "foresight predict model=" in said
    assert "does not say which clips it was trained on: taken are 8 frames a second, 9 given and 16 predicted" in said
    assert not list((tmp_path / "mine").glob("*/*.safetensors"))[1:], "only the adapter is copied"
    words = ["predict", f"model={tmp_path / 'mine'}", "verifier=none", f"video={DEMO / 'demo.mp4'}", "candidates=1"]
    told = (DEMO / "demo.txt").read_text().strip()
    assert main([*words, f"instruction={told}", f"run={tmp_path / 'run'}"]) == 0
    scores = json.loads((tmp_path / "run" / "metrics.json").read_text())["scores"]
    assert scores["prediction"]["psnr"] > scores["copy last frame"]["psnr"] + 3
    said = capsys.readouterr().out
    assert "adapter: context at noise level 1.00" in said
    assert "16 predicted frames against what happened" in said and "copy last frame" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["adapter=nowhere/a"], "the adapter at a path"),
        (["vlm=nowhere/a", "adapter={tiny}/adapter"], "the vlm at a path"),
        (["vlm={tiny}/vlm", "adapter={tiny}/adapter", "text_encoder={tiny}/vae"], "d_model"),
        (["sampling.stepz=3"], "steps"),
        (["to={tiny}"], "something else"),
    ],
)
def test_what_does_not_fit_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    """Missing parts, parts that are none, misspelt fields and a folder in use: exit 2, and nothing is written."""
    tiny, used = resolve("foresight-tiny", "vae"), tmp_path / "used"
    used.mkdir()
    (used / "notes.txt").write_text("mine")
    places = {"{tiny}": str(used if words[0].startswith("to=") else tiny)}
    told = [word.replace("{tiny}", places["{tiny}"]) for word in words]
    given = ["ltx=tiny", f"to={tmp_path / 'mine'}", *told]
    assert main(["assemble", *given]) == 2
    found = capsys.readouterr().err
    assert said in found and found.count("\n") == 1
    assert not (tmp_path / "mine").exists() and [path.name for path in used.iterdir()] == ["notes.txt"]
