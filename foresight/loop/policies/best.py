"""Best: end with the most probable of all attempts."""

from __future__ import annotations

from dataclasses import dataclass

from foresight.loop.policies.base import Situation
from foresight.loop.policies.moves import Step, Take


@dataclass(frozen=True)
class Best:
    """Takes the most probable attempt; stands behind the policies that make attempts."""

    def decide(self, seen: Situation) -> Step | None:
        """Take, or nothing where nothing was judged."""
        return None if seen.best is None else Take(seen.best)
