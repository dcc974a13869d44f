"""Benchmarks on held-out clips of the simulated world."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from foresight.evaluation.benchmarks import Measured
from foresight.physics import DIRECTIONS, Action, PhysicsClip, PhysicsConfig
from foresight.physics.language import instruction
from foresight.physics.split import SimulatedSplit
from foresight.progress import Progress
from foresight.world.world_model import WorldModel

BATCH = 16
"""Clips predicted at once."""

Videos = Float[Tensor, "batch rgb=3 frame height width"]


@dataclass(frozen=True, kw_only=True)
class SimulatedBenchmark(ABC):
    """The interface of a benchmark on held-out clips of the simulated world.

    Args:
        clips: number of clips, from the first seed of the split on.
        physics: the world.
        split: a key of `foresight.physics.clip.SPLITS`.

    Raises:
        ValueError: if the split is unknown, or has fewer clips.
    """

    clips: int
    physics: PhysicsConfig
    split: str

    def __post_init__(self) -> None:
        # Refused here, not when the benchmark runs.
        assert len(self.held_out) == self.clips

    @cached_property
    def held_out(self) -> SimulatedSplit:
        """The held-out clips."""
        return SimulatedSplit(self.physics, self.split, self.clips)

    @abstractmethod
    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Measure a world model; progress is called with (done, total)."""


def contexts_and_futures(clips: Sequence[PhysicsClip]) -> tuple[Videos, Videos]:
    """Contexts and futures of clips of one size, in [−1, 1]."""
    return torch.stack([clip.context for clip in clips]), torch.stack([clip.future for clip in clips])


def wrong_instruction(clip: PhysicsClip) -> str:
    """Another instruction that fits the scene: another body, another direction, or nothing."""
    options: list[Action | None] = [Action(body, name) for body in range(len(clip.bodies)) for name in DIRECTIONS]
    options = [option for option in [*options, None] if option != clip.action]
    chosen = options[int(np.random.default_rng(clip.seed).integers(len(options)))]
    return instruction(chosen, clip.bodies)
