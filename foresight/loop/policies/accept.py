"""Accept: end with an attempt that the verifier accepts."""

from __future__ import annotations

from dataclasses import dataclass

from foresight.loop.moves import Step, Take
from foresight.loop.policy import Situation


@dataclass(frozen=True)
class Accept:
    """Takes the latest attempt if the verifier's decision is "accept"."""

    def decide(self, seen: Situation) -> Step | None:
        """Take, or nothing."""
        if seen.tried and seen.tried[-1].decision == "accept":
            return Take(len(seen.tried) - 1)
        return None
