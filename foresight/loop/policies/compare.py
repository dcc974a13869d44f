"""Compare: predict every hypothesis of what was done, to see which one agrees best with what was seen."""

from __future__ import annotations

from dataclasses import dataclass

from foresight.loop.policies.base import Situation
from foresight.loop.policies.moves import Sample, Step


@dataclass(frozen=True)
class Compare:
    """Draws the asked instruction, then the other hypotheses, all with one seed so that they differ by nothing else.

    Choosing is for `Best` and `Abstain` behind it: comparing hypotheses needs no absolute threshold.
    """

    def decide(self, seen: Situation) -> Step | None:
        """Sample the next hypothesis, or nothing.

        Raises:
            ValueError: if there is nothing to compare.
        """
        if not set(seen.hypotheses) - {seen.instruction}:
            raise ValueError("expected at least one hypothesis beside the instruction to compare with, got none")
        if seen.exhausted or not seen.untried:
            return None
        return Sample(seen.untried[0], seen.seed)
