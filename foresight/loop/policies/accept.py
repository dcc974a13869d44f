"""Accept: end with an attempt that the verifier accepts."""

from __future__ import annotations

from dataclasses import dataclass

from foresight.loop.policies.base import Situation
from foresight.loop.policies.moves import Step, Take


@dataclass(frozen=True)
class Accept:
    """Takes the latest attempt if the verifier's decision is "accept"."""

    def decide(self, seen: Situation) -> Step | None:
        """Take, or nothing."""
        if seen.tried and seen.tried[-1].decision == "accept":
            return Take(len(seen.tried) - 1)
        return None
