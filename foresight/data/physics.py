"""Clips of the simulated world, made on the fly from their seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from foresight.data.batch import ClipBatch
from foresight.physics.clip import make_clip
from foresight.physics.scene import PhysicsConfig
from foresight.physics.split import SimulatedSplit
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
        self.config = config
        self._seeds = SimulatedSplit(config, split, count, first).seeds

    def prepare(self) -> None:
        """Nothing has to be on disk."""

    def recipe(self) -> dict[str, Any]:
        """World version, scene distribution and range of seeds."""
        return {"world": WORLD, "scenes": self.config.recipe(), "first_seed": self._seeds.start, "count": len(self)}

    def row_recipes(self) -> list[Any]:
        """World version, scene distribution and seed of each clip."""
        shared = {"world": WORLD, "scenes": self.config.recipe()}
        return [shared | {"seed": seed} for seed in self._seeds]

    @property
    def shape(self) -> VideoShape:
        """Of every clip."""
        return VideoShape(self.config.frames, self.config.size, self.config.size)

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.config.frame_rate

    def __len__(self) -> int:
        return len(self._seeds)

    def __getitems__(self, indices: Sequence[int]) -> ClipBatch:
        """The clips of the given rows."""
        seeds = tuple(self._seeds.start + int(index) for index in indices)
        clips = [make_clip(seed, self.config) for seed in seeds]
        return ClipBatch(
            video=torch.stack([clip.tensor for clip in clips]),
            instructions=tuple(clip.instruction for clip in clips),
            frame_rate=self.config.frame_rate,
            seeds=seeds,
        )
