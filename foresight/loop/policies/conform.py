"""Conform: of the best story, draw the futures that begin as what was seen."""

from __future__ import annotations

from dataclasses import dataclass

from foresight.loop.policies.base import Situation
from foresight.loop.policies.moves import Condition, Step


@dataclass(frozen=True)
class Conform:
    """Draws once more under the most probable attempt's instruction, with what was seen held fixed.

    Args:
        steps: of the schedule; more fit better to what was seen.

    Raises:
        ValueError: if there is no step.
    """

    steps: int

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"expected at least one step, got {self.steps}")

    def decide(self, seen: Situation) -> Step | None:
        """Condition once, or nothing: the first attempt is for others to make."""
        if seen.exhausted or seen.best is None or seen.count(Condition):
            return None
        return Condition(seen.best, seen.fresh_seed, self.steps)
