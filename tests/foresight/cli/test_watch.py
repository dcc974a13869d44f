"""`foresight watch` from end to end on a stream with an event, and when it is interrupted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from foresight.cli import watch as command
from foresight.cli.command_words import call
from foresight.cli.watch import watch
from foresight.errors import UserError
from foresight.verify import model_fingerprint
from foresight.watch import Alarm
from foresight.watch.alarm import AlarmSettings
from foresight.world.world_model import WorldModel
from ltx.media import write_lossless

HOW = {
    "coverage": 0.5,
    "instruction": "nothing is pushed",
    "size": (64, 64),
    "prediction_stride": 8,
    "candidates": 2,
    "seed": 0,
    "steps": 1,
    "patience": 1.0,
    "seconds": None,
    "stream": "default",
    "replace": True,
    "config": {"seed": 0},
}


@pytest.fixture
def stream(clip, tmp_path) -> str:
    """49 frames, 6 seconds, that jump to something else after 3."""
    video = torch.cat([clip, clip[:, :24].flip(-1)], dim=1)
    write_lossless(tmp_path / "stream.mp4", video, frame_rate=8)
    return str(tmp_path / "stream.mp4")


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_stream_becomes_lines_a_timeline_and_a_page(
    world: WorldModel, stream: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every second has a line, on standard output and in the file; what lies above the threshold is an event."""
    alarm = Alarm((0.0,), AlarmSettings(model_fingerprint(world), 8, 2, 1), "made up")
    course = call(watch, model=world, alarm=alarm, video=stream, run=str(tmp_path / "run"), **HOW)
    said = lines(capsys.readouterr().out)
    assert said == lines((tmp_path / "run" / "moments.jsonl").read_text())
    assert [line["start"] for line in said] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert all(line["event"] == (line["surprise"] > 0) for line in said)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["moments"] == course.moments == 5 and metrics["events"] == sum(line["event"] for line in said)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<svg" in page and "Surprise over time" in page
    assert (tmp_path / "run" / "timeline.svg").read_text().count('<rect class="f') == 5
    assert (tmp_path / "run" / "events.png").stat().st_size > 0


def test_without_an_alarm_nothing_is_an_event(
    world: WorldModel, stream: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`seconds` ends watching early; no threshold, no event, which is said, and no picture of events."""
    course = call(watch, model=world, alarm=None, video=stream, run=str(tmp_path / "run"), **{**HOW, "seconds": 3.2})
    assert course.moments == 2 and course.events == 0
    out, said = capsys.readouterr()
    assert {line["threshold"] for line in lines(out)} == {None} and "no alarm in 2 moments" in said
    assert not (tmp_path / "run" / "events.png").exists()


def test_an_interruption_leaves_what_was_seen(
    world: WorldModel, stream: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C after three seconds: the run directory is whole, holds two moments, and the interruption goes on."""

    def interrupted(*given, **named):
        for arrival in real(*given, **named):
            if arrival.seconds == 3.5:
                raise KeyboardInterrupt
            yield arrival

    real = command.stream_frames
    monkeypatch.setattr(command, "stream_frames", interrupted)
    with pytest.raises(KeyboardInterrupt):
        call(watch, model=world, alarm=None, video=stream, run=str(tmp_path / "run"), **HOW)
    run = tmp_path / "run"
    assert len(lines((run / "moments.jsonl").read_text())) == 2
    assert json.loads((run / "metrics.json").read_text())["interrupted"] is True
    assert (run / "report.html").is_file() and (run / "timeline.svg").is_file()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"video": "nothing.mp4"}, "nothing.mp4"),
        ({"seconds": 1.0}, "at least 17 frames"),
        ({"seconds": 0.0}, "seconds above 0"),
        ({"size": (64,)}, "size"),
        ({"prediction_stride": 12}, "multiple of 8"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    world: WorldModel, stream: Any, tmp_path: Path, change: Any, said: str
) -> None:
    """Nothing is left under the run's name."""
    given = {**HOW, "video": stream, "run": str(tmp_path / "run"), **change}
    with pytest.raises(ValueError, match=said) as caught:
        call(watch, model=world, alarm=None, **given)
    assert "\n" not in str(caught.value)
    assert not [path for path in Path(tmp_path).iterdir() if "run" in path.name]


def test_an_alarm_for_another_model_is_refused(world: WorldModel, stream: Any, tmp_path: Path) -> None:
    """The remedy names the command."""
    alarm = Alarm((0.0,), AlarmSettings("x" * 64, 8, 2, 1), "made up")
    with pytest.raises(UserError, match="foresight calibrate"):
        call(watch, model=world, alarm=alarm, video=stream, run=str(tmp_path / "run"), **HOW)
