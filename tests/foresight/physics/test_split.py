"""Splits of the simulated world share no seed, and a range of one is refused where it leaves it."""

from __future__ import annotations

import pytest
import torch

from foresight.physics import PhysicsConfig, SimulatedSplit, make_clip
from foresight.physics.split import SEEDS


def test_the_clips_are_those_of_the_splits_seeds() -> None:
    """The third and fourth clip of a split, one by one and in batches; context and future make the clip."""
    split = SimulatedSplit(PhysicsConfig(), "validation", 2, first=2)
    expected = [make_clip(SEEDS + 2), make_clip(SEEDS + 3)]
    assert len(split) == 2 and [clip.seed for clip in split] == [clip.seed for clip in expected] == list(split.seeds)
    assert [[clip.seed for clip in batch] for batch in split.batches(1)] == [[SEEDS + 2], [SEEDS + 3]]
    clip = next(iter(split))
    assert torch.equal(torch.cat([clip.context, clip.future], dim=1), clip.tensor)
    assert clip.future.shape[1] == split.future_frames == PhysicsConfig().frames - PhysicsConfig().context_frames


@pytest.mark.parametrize(
    ("split", "clips", "first"), [("tests", 1, 0), ("test", 0, 0), ("test", 1, -1), ("test", 2, SEEDS - 1)]
)
def test_no_clip_of_another_split_is_reached(split: str, clips: int, first: int) -> None:
    """An unknown split, no clip, and a range that begins before the split or ends behind it raise."""
    with pytest.raises(ValueError, match="expected a"):
        SimulatedSplit(PhysicsConfig(), split, clips, first)


def test_clips_of_other_worlds_have_other_names() -> None:
    """One seed makes other clips in other worlds; an equal world has equal names, and the plain one no mark."""
    plain = SimulatedSplit(PhysicsConfig(), "test", 2)
    assert plain.names == [f"test {seed}" for seed in plain.seeds]
    fast, again, slow = (
        SimulatedSplit(PhysicsConfig(speed=speed), "test", 2) for speed in ((40, 60), (40, 60), (1, 2))
    )
    assert fast.names == again.names and all(" in world " in name for name in fast.names)
    assert not {*fast.names} & {*plain.names} and not {*fast.names} & {*slow.names}
