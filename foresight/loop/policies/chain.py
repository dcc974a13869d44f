"""Chain: several policies in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foresight.loop.policies.base import Policy, Situation
from foresight.loop.policies.moves import Step


@dataclass(frozen=True)
class Chain:
    """Asks one policy after the other; the first that returns a step decides.

    Args:
        policies: in order. Those that end the loop with success come first, those that give up last.

    Raises:
        ValueError: if there is none.
    """

    policies: Sequence[Policy]

    def __post_init__(self) -> None:
        object.__setattr__(self, "policies", tuple(self.policies))
        if not self.policies:
            raise ValueError("expected at least one policy in a chain, got none")

    def decide(self, seen: Situation) -> Step | None:
        """The first answer."""
        return next((step for policy in self.policies if (step := policy.decide(seen)) is not None), None)
