"""Unjudged: one prediction to look at, and no decision about it."""

from __future__ import annotations

from dataclasses import dataclass

from foresight.loop.policies.base import Situation
from foresight.loop.policies.moves import GiveUp, Sample, Step


@dataclass(frozen=True)
class Unjudged:
    """Draws what was asked for once and gives up: what a loop does with a picture that its model cannot read."""

    def decide(self, seen: Situation) -> Step:
        """The prediction, then the end."""
        return GiveUp() if seen.tried else Sample(seen.instruction, seen.seed)
