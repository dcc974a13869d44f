"""Abstain: rather no prediction than one that is hardly right."""

from __future__ import annotations

from dataclasses import dataclass

from foresight.loop.policies.base import Situation
from foresight.loop.policies.moves import GiveUp, Step


@dataclass(frozen=True)
class Abstain:
    """Gives up unless the most probable attempt is probable enough, and far enough ahead of other explanations.

    Stands behind the policies that make attempts, and before `Best`.

    Args:
        below: probability under which nothing is taken.
        margin: least lead in probability over the best attempt with another instruction; comparing needs no absolute
            threshold.

    Raises:
        ValueError: if either is not in [0, 1].
    """

    below: float = 0.5
    margin: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.below <= 1 or not 0 <= self.margin <= 1:
            raise ValueError(f"expected a probability and a margin in [0, 1], got {self.below} and {self.margin}")

    def decide(self, seen: Situation) -> Step | None:
        """Give up, or nothing."""
        if seen.best is None:
            return GiveUp()
        top = seen.probability(seen.best)
        others = [
            seen.probability(index)
            for index, attempt in enumerate(seen.tried)
            if attempt.instruction != seen.tried[seen.best].instruction
        ]
        lead = top - max(others, default=0.0)
        return GiveUp() if top < self.below or lead < self.margin else None
