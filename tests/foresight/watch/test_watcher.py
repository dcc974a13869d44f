"""The watcher: what it predicts from, what it scores on, and that it forgets."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from foresight.errors import UserError
from foresight.metrics.picture import mse
from foresight.watch import StreamFrame, Watcher
from foresight.watch.timeline import Timeline
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel

ASKED = {"instruction": "nothing is pushed", "prediction_stride": 8, "sampling": Sampling(2, steps=1)}


def endless(clip: torch.Tensor, frames: int, gap: int = -1) -> Iterator[StreamFrame]:
    """The clip forwards and backwards for ever, with a gap before one frame."""
    there = [*range(25), *range(23, 0, -1)]
    for index in range(frames):
        yield StreamFrame(clip[:, there[index % len(there)]], index / 8, index not in (0, gap))


def alive() -> int:
    gc.collect()
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


def test_each_prediction_starts_at_the_last_observed_frame_and_is_scored_on_the_next_eight(
    world: WorldModel, clip: Tensor
) -> None:
    """33 frames give three moments, a second each; errors are those of a prediction made by hand."""
    watcher = Watcher(world, **ASKED)
    moments = [moment for arrival in endless(clip, 33) if (moment := watcher.push(arrival))]
    assert [(moment.start, moment.end) for moment in moments] == [(1.0, 2.0), (2.0, 3.0), (3.0, 4.0)]
    second = world.predict(clip[:, 8:17], ASKED["instruction"], 8, candidates=2, seed=0, steps=1)
    assert torch.equal(moments[1].observed, clip[:, 17:25])
    assert torch.allclose(moments[1].predicted, second.video[second.medoid], atol=2e-5)
    still = clip[None, :, 16:17].expand(-1, -1, 8, -1, -1)
    assert moments[1].copy_error == pytest.approx(float(mse(still, clip[None, :, 17:25]).mean()))


def test_after_a_gap_the_context_is_collected_anew(world: WorldModel, clip: Tensor) -> None:
    """No prediction bridges a gap: it takes 9 + 8 frames until the next moment."""
    watcher = Watcher(world, **ASKED)
    found = [index for index, arrival in enumerate(endless(clip, 40, gap=20)) if watcher.push(arrival)]
    assert found == [16, 36]


def test_nothing_of_the_past_is_kept(world: WorldModel, clip: Tensor) -> None:
    """Twelve more moments leave not one more tensor behind."""
    watcher, course = Watcher(world, **ASKED), Timeline(most=4, shown=2)
    counts = []
    for index, arrival in enumerate(endless(clip, 190)):
        if moment := watcher.push(arrival):
            course.add(moment, event=moment.surprise > 0)
        if index in (88, 184):
            counts.append(alive())
    assert counts[0] == counts[1]
    assert course.moments == 22 and len(course.spans) <= 4


@pytest.mark.slow
def test_ten_minutes_take_constant_memory(world: WorldModel, clip: Tensor) -> None:
    """4,800 frames: the process is no larger after ten simulated minutes than after three, up to 16 MB."""

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    watcher, course = Watcher(world, **ASKED), Timeline()
    sizes = {}
    for index, arrival in enumerate(endless(clip, 4800)):
        if moment := watcher.push(arrival):
            course.add(moment, event=moment.surprise > 0)
        if index in (1440, 4799):
            sizes[index] = (resident(), alive())
    assert course.moments == 598
    assert sizes[4799][1] <= sizes[1440][1] + 8
    assert sizes[4799][0] - sizes[1440][0] < 16 * 2**20


@pytest.mark.parametrize(
    ("change", "said"), [({"prediction_stride": 12}, "multiple of 8"), ({"sampling": Sampling(1)}, "2 candidates")]
)
def test_wrong_numbers_are_refused(world: WorldModel, change: Any, said: str) -> None:
    """A stretch that does not fit the latents, and a single candidate."""
    with pytest.raises(UserError, match=said):
        Watcher(world, **{**ASKED, **change})


def test_what_is_done_is_told_once(world: WorldModel, clip: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first prediction hears the instruction, later ones the model's continuation."""
    told = []
    predict = world.predict_batch

    def listening(contexts, instructions, horizon, sampling):
        told.extend(instructions)
        return predict(contexts, instructions, horizon, sampling)

    monkeypatch.setattr(world, "predict_batch", listening)
    watcher = Watcher(world, **{**ASKED, "instruction": "the red ball is pushed up"})
    for arrival in endless(clip, 26):
        watcher.push(arrival)
    assert told == ["the red ball is pushed up", world.sampling_config.continuation, world.sampling_config.continuation]
