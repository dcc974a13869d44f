"""Re-ground: condition on what has been observed so far and predict the rest."""

from __future__ import annotations

from dataclasses import dataclass

from foresight.loop.policies.base import Situation
from foresight.loop.policies.moves import Continue, Step, Take


@dataclass(frozen=True)
class Reground:
    """Continues what was seen, and takes that: nothing unseen is left to judge it by."""

    def decide(self, seen: Situation) -> Step | None:
        """Continue after the first attempt; then take; nothing where the budget is spent."""
        if not seen.tried:
            return None
        if isinstance(seen.tried[-1].move, Continue):
            return Take(len(seen.tried) - 1)
        return None if seen.exhausted else Continue(len(seen.tried) - 1, seen.seed)
