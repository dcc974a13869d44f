"""`foresight choose` from end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from torch import Tensor

from foresight.choose import Temperature
from foresight.cli.choose import choose
from foresight.cli.command_words import call
from foresight.errors import UserError
from foresight.world.world_model import WorldModel
from ltx.media import to_pixels, write_lossless

OPTIONS = ["the red ball is pushed up", "nothing is pushed"]
HOW = {
    "instructions": OPTIONS,
    "size": (64, 64),
    "context": 9,
    "horizon": 8,
    "start": 0.0,
    "stream": "default",
    "candidates": 1,
    "noise_level": 1.0,
    "seed": 0,
    "steps": 1,
    "replace": True,
    "config": {"seed": 0},
}


@pytest.fixture
def video(clip, tmp_path) -> str:
    """The clip as a file."""
    write_lossless(tmp_path / "clip.mp4", clip, frame_rate=8)
    return str(tmp_path / "clip.mp4")


def test_a_picture_as_the_goal(
    world: WorldModel, clip: Tensor, video: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The imagined end of the second option is the goal: it is ranked first, and the page shows the strip."""
    end = world.predict(clip[:, :9], OPTIONS[1], 8, steps=1).video[0, :, -1:]
    Image.fromarray(to_pixels(end)[0].numpy()).save(tmp_path / "goal.png")
    found = call(
        choose,
        model=world,
        temperature=0.1,
        video=video,
        goal=str(tmp_path / "goal.png"),
        run=str(tmp_path / "run"),
        **HOW,
    )
    assert found.best == OPTIONS[1]
    record = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert record["best"] == OPTIONS[1] and record["kind"] == "image"
    assert sum(option["probability"] for option in record["options"]) == pytest.approx(1)
    assert OPTIONS[1] in (tmp_path / "run" / "report.html").read_text()
    with Image.open(tmp_path / "run" / "choice.png") as strip:
        assert strip.width > 8 * 128 and strip.height > 3 * 128
    assert OPTIONS[0] in capsys.readouterr().out


def test_a_sentence_as_the_goal(world: WorldModel, video: Any, tmp_path: Path) -> None:
    """The VLM judges; the record says so, and there is no picture of the goal."""
    call(
        choose,
        model=world,
        temperature=1.0,
        video=video,
        goal="the red ball was pushed up",
        run=str(tmp_path / "run"),
        **HOW,
    )
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["kind"] == "sentence"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"goal": "nothing.png"}, "nothing.png"),
        ({"instructions": ["wait"]}, "two different"),
        ({"temperature": Temperature({"image": 1.0}, "x" * 64, "made up")}, "foresight calibrate"),
        ({"video": "nothing.mp4"}, "nothing.mp4"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    world: WorldModel, video: Any, tmp_path: Path, change: Any, said: str
) -> None:
    """Nothing is left under the run's name."""
    given = {**HOW, "temperature": 1.0, "video": video, "goal": "it is up", "run": str(tmp_path / "run"), **change}
    with pytest.raises(ValueError, match=said) as caught:
        call(choose, model=world, **given)
    assert "\n" not in str(caught.value) and issubclass(UserError, ValueError)
    assert not [path for path in tmp_path.iterdir() if "run" in path.name]
