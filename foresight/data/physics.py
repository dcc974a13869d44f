"""Clips of the simulated world, made on the fly from their seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from foresight.data.batch import ClipBatch
from foresight.physics.clip import SPLITS, make_clip
from foresight.physics.scene import PhysicsConfig
from ltx.shapes import VideoShape

WORLD = 1
"""Version of the simulation and drawing: part of every key, to be raised when the same seed gives another clip."""


class PhysicsClips:
    """A range of seeds of one split.

    Args:
        config: the distribution of scenes.
        split: a name of `foresight.physics.clip.SPLITS`; splits share no seed.
        first: how many seeds of the split to leave out at its start.
        count: how many clips.

    Raises:
        ValueError: if the split is unknown or the range leaves it.
    """

    def __init__(self, *, config: PhysicsConfig, split: str, first: int, count: int) -> None:
        if split not in SPLITS:
            raise ValueError(f"expected a split out of {', '.join(SPLITS)}; got {split!r}")
        size = 10_000_000
        if first < 0 or count < 1 or first + count > size:
            raise ValueError(f"expected a range inside the {size} seeds of a split, got first={first}, count={count}")
        self.config = config
        self._start = SPLITS[split] + first
        self._count = count

    def prepare(self) -> None:
        """Nothing has to be on disk."""

    def recipe(self) -> dict[str, Any]:
        """World version, scene distribution and range of seeds."""
        return {"world": WORLD, "scenes": self.config.recipe(), "first_seed": self._start, "count": self._count}

    def row_recipes(self) -> list[Any]:
        """World version, scene distribution and seed of each clip."""
        shared = {"world": WORLD, "scenes": self.config.recipe()}
        return [shared | {"seed": self._start + row} for row in range(self._count)]

    @property
    def shape(self) -> VideoShape:
        """Of every clip."""
        return VideoShape(self.config.frames, self.config.size, self.config.size)

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.config.frame_rate

    def __len__(self) -> int:
        return self._count

    def __getitems__(self, indices: Sequence[int]) -> ClipBatch:
        """The clips of the given rows."""
        seeds = tuple(self._start + int(index) for index in indices)
        clips = [make_clip(seed, self.config) for seed in seeds]
        return ClipBatch(
            video=torch.stack([clip.tensor for clip in clips]),
            instructions=tuple(clip.instruction for clip in clips),
            frame_rate=self.config.frame_rate,
            seeds=seeds,
        )
