"""Revise: have the instruction rewritten after comparing prediction and observation."""

from __future__ import annotations

from dataclasses import dataclass

from foresight.loop.policies.base import Situation
from foresight.loop.policies.moves import Reword, Step


@dataclass(frozen=True)
class Revise:
    """Rewords the instruction in the light of the most probable attempt; the seed stays.

    Args:
        times: at most.

    Raises:
        ValueError: if it is below 1.
    """

    times: int

    def __post_init__(self) -> None:
        if self.times < 1:
            raise ValueError(f"expected at least 1 revision, got {self.times}")

    def decide(self, seen: Situation) -> Step | None:
        """Reword, or nothing: where hypotheses are given, until none is left."""
        if seen.exhausted or seen.best is None or seen.count(Reword) >= self.times:
            return None
        if seen.hypotheses and not seen.untried:
            return None
        return Reword(seen.best, seen.seed)
