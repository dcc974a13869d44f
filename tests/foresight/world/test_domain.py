"""The check whether a picture is the model's world: by its reconstruction, with a reason, never with a probability."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from foresight import WorldModel
from foresight.choose import ImageGoal, choose
from foresight.cli.main import main
from foresight.loop import Accept, Budget, GiveUp, PredictVerifyLoop, Task
from foresight.verify import Verifier
from foresight.watch import StreamFrame, Watcher
from foresight.world.domain import DomainCheck, check_domain
from foresight.world.sampling import Sampling
from ltx.media import write_mp4

DEMO = str(Path(__file__).parents[3] / "experiments" / "clips" / "demo.mp4")
PUSH = "the yellow ball is pushed to the right"


@pytest.fixture(scope="module")
def tiny() -> WorldModel:
    """The embedded model."""
    return WorldModel.from_pretrained("foresight-tiny", device="cpu")


@pytest.fixture(scope="module")
def foreign() -> Tensor:
    """25 frames of a colourful checkerboard that drifts: nothing like the simulated world."""
    row, column, frame = torch.meshgrid(torch.arange(64), torch.arange(64), torch.arange(25), indexing="ij")
    squares = ((row + frame) // 4 + column // 4) % 2
    waves = torch.sin(0.7 * column + 0.9 * frame), torch.cos(0.5 * row - 0.4 * frame)
    return torch.stack([squares * 2.0 - 1, *waves]).permute(0, 3, 1, 2).contiguous()


def test_the_figure_is_the_vaes_own_error_in_decibels(tiny: WorldModel, clip: Tensor) -> None:
    """-10 log10 of the mean square error on [0, 1] between the context and what the VAE makes of it."""
    context = clip[:, :9]
    video = tiny.vae.decode(tiny.encode(context[None]), timestep=tiny.sampling_config.decode_timestep, noise_scale=0.0)
    error = ((video[0].detach().clamp(-1, 1) - context) / 2).square().mean()
    found = check_domain(tiny, context)
    assert found.psnr == pytest.approx(float(-10 * error.log10()), abs=1e-4)
    assert found.state == "in" and found.sentence == "" and found.psnr > 25


@pytest.mark.parametrize(
    ("psnr", "state"), [(22.0, "in"), (21.99, "near"), (16.0, "near"), (15.99, "out"), (float("nan"), "out")]
)
def test_limits_are_where_they_are_said_to_be(psnr: float, state: str) -> None:
    """At a limit the better state holds; what is no number is out; only inside nothing is said."""
    check = DomainCheck(psnr, warning=22.0, limit=16.0)
    assert check.state == state and bool(check.sentence) == (state != "in")


def test_another_world_is_out(tiny: WorldModel, foreign: Tensor) -> None:
    """What the VAE cannot draw is not the model's world, and the remedy is named."""
    found = check_domain(tiny, foreign[:, :9])
    assert found.state == "out" and "foresight train" in found.sentence


def test_the_command_abstains_with_the_reason(
    tmp_path: Path, foreign: Tensor, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before and after the outcome is seen: no probability on the console, in the record or on the page."""
    write_mp4(tmp_path / "foreign.mp4", foreign, frame_rate=8.0)
    words = ["predict", f"video={tmp_path / 'foreign.mp4'}", f"instruction={PUSH}", f"run={tmp_path / 'run'}"]
    assert main(words) == 0
    record = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert record["verdict"]["decision"] == "abstain" and "not the model's world" in record["verdict"]["reason"]
    assert record["verdict"]["probability"] is None and record["verdict"]["hit"] is None
    assert all(one["plausibility"] is None for one in record["candidates"])
    said = " ".join(capsys.readouterr().out.split())
    assert "verdict: abstain" in said and "not the model's world" in said and "likely" not in said
    page = (tmp_path / "run" / "report.html").read_text()
    assert "No verdict: this picture is not of the world" in page and "abstain<" in page
    assert "likely" not in page


def test_a_loop_predicts_once_and_takes_nothing(tiny: WorldModel, foreign: Tensor) -> None:
    """Whatever its policy, a loop judges no prediction of another world."""
    loop = PredictVerifyLoop(tiny, Verifier.from_pretrained("foresight-tiny"), Accept(), Budget(attempts=4))
    trace = loop.run(Task(foreign[:, :9], foreign[:, 9:17], 8, PUSH, seed=0))
    assert trace.outcome == GiveUp() and [attempt.verdict for attempt in trace.attempts] == [None]


def test_watching_says_nothing_of_another_world(tiny: WorldModel, foreign: Tensor, clip: Tensor) -> None:
    """No moment is scored on foreign frames; once the model's own world is shown, moments come again."""
    watcher = Watcher(tiny, instruction=PUSH, prediction_stride=8, sampling=Sampling(2, steps=1))
    frames = torch.cat([foreign, clip], dim=1)
    found = [watcher.push(StreamFrame(frame, i / 8, True)) for i, frame in enumerate(frames.unbind(1))]
    moments = [(index, moment) for index, moment in enumerate(found) if moment is not None]
    assert watcher.unread >= 2 and moments and min(index for index, _ in moments) >= 25


def test_nothing_is_chosen_in_another_world(tiny: WorldModel, foreign: Tensor) -> None:
    """Instructions get no probabilities, and none is best."""
    told = (PUSH, "nothing is pushed")
    found = choose(
        tiny, foreign[:, :9], told, ImageGoal(foreign[:, 17]), horizon=8, temperature=1.0, sampling=Sampling(2, steps=1)
    )
    assert found.probabilities is None and found.best is None and found.domain.state == "out"


def test_few_later_frames_are_shown_without_a_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A clip that ends three frames after the context is predicted and scored; one sentence says why none judges."""
    from ltx.media import read_video

    video = read_video(DEMO).video[:, :12]
    write_mp4(tmp_path / "short.mp4", video, frame_rate=8.0)
    words = ["predict", f"video={tmp_path / 'short.mp4'}", f"instruction={PUSH}", f"run={tmp_path / 'run'}"]
    assert main([*words, "steps=1"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "no verdict: 3 later frames" in said and "copy last frame" in said
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["verdict"] is None
