"""Resample: the same instruction with other seeds."""

from __future__ import annotations

from dataclasses import dataclass

from foresight.loop.policies.base import Situation
from foresight.loop.policies.moves import Sample, Step


@dataclass(frozen=True)
class Resample:
    """Draws with new seeds, the first time with the asked one.

    Args:
        times: at most; 1 makes the first attempt of a loop that goes on in another way.
        steps: Euler steps of a full schedule; None takes the model's.

    Raises:
        ValueError: if `times` is below 1.
    """

    times: int
    steps: int | None = None

    def __post_init__(self) -> None:
        if self.times < 1:
            raise ValueError(f"expected at least 1 draw, got {self.times}")

    def decide(self, seen: Situation) -> Step | None:
        """Sample, or nothing."""
        if seen.exhausted or seen.count(Sample) >= self.times:
            return None
        return Sample(seen.instruction, seen.fresh_seed, self.steps)
