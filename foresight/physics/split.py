"""Clips of a split of one simulated world, from seeds that no other split shares."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from foresight.physics.clip import SPLITS, PhysicsClip, make_clip
from foresight.physics.scene import PhysicsConfig

SEEDS = 10_000_000
"""Seeds of each split."""


@dataclass(frozen=True)
class SimulatedSplit:
    """A range of clips of a split of one simulated world.

    Args:
        physics: the world.
        split: a key of `foresight.physics.clip.SPLITS`.
        clips: number of clips.
        first: seeds of the split that are left out at its start.

    Raises:
        ValueError: if the split is unknown, or the range leaves it.
    """

    physics: PhysicsConfig
    split: str
    clips: int
    first: int = 0

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise ValueError(f"expected a split out of {', '.join(SPLITS)}; got {self.split!r}")
        if self.first < 0 or self.clips < 1 or self.first + self.clips > SEEDS:
            raise ValueError(
                f"expected a range inside the {SEEDS} seeds of a split, got first={self.first}, count={self.clips}"
            )

    @property
    def seeds(self) -> range:
        """Seeds of the clips."""
        start = SPLITS[self.split] + self.first
        return range(start, start + self.clips)

    @property
    def names(self) -> list[str]:
        """Names of the clips."""
        return [self.name(seed) for seed in self.seeds]

    def name(self, seed: int) -> str:
        """Name of the clip of a seed, such as "test 30000003"; in another world than the plain one, with a hash of it.

        Runs are compared by these names: one seed makes other clips in other worlds.
        """
        return f"{self.split} {seed}{self._world}"

    @cached_property
    def _world(self) -> str:
        recipe = self.physics.recipe()
        if recipe == PhysicsConfig().recipe():
            return ""
        text = json.dumps(recipe, sort_keys=True, default=str)
        return f" in world {hashlib.sha256(text.encode()).hexdigest()[:6]}"

    @property
    def future_frames(self) -> int:
        """Frames of every clip behind its context."""
        return self.physics.frames - self.physics.context_frames

    def __len__(self) -> int:
        return self.clips

    def __iter__(self) -> Iterator[PhysicsClip]:
        return (make_clip(seed, self.physics) for seed in self.seeds)

    def batches(self, size: int) -> Iterator[list[PhysicsClip]]:
        """The clips in order, in lists of up to `size`."""
        for start in range(0, self.clips, size):
            yield [make_clip(seed, self.physics) for seed in self.seeds[start : start + size]]
