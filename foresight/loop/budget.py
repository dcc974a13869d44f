"""Cost of attempts, and the budget of a loop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Cost of an attempt, or of several together.

    Args:
        seconds: wall-clock time of predicting, verifying and revising.
        evaluations: sequences sent through the transformer, those of verification and revision included.
        decodes: chunks of video decoded, candidates counted singly.
    """

    seconds: float = 0.0
    evaluations: int = 0
    decodes: int = 0

    @classmethod
    def total(cls, costs: Iterable[Cost]) -> Cost:
        """Sum of costs."""
        costs = tuple(costs)
        return cls(
            seconds=sum(cost.seconds for cost in costs),
            evaluations=sum(cost.evaluations for cost in costs),
            decodes=sum(cost.decodes for cost in costs),
        )


@dataclass(frozen=True)
class Budget:
    """Limits of a loop; the first that is reached ends it.

    Args:
        attempts: predictions, at least 1.
        seconds: spent on attempts, after which none is started; None for no limit.
        evaluations: transformer evaluations after which no attempt is started; None for no limit.

    Raises:
        ValueError: if a limit leaves nothing.
    """

    attempts: int
    seconds: float | None = None
    evaluations: int | None = None

    def __post_init__(self) -> None:
        limits = (self.seconds, self.evaluations)
        if self.attempts < 1 or not all(limit is None or limit > 0 for limit in limits):
            raise ValueError(f"expected a budget of at least one attempt and limits above 0, got {self}")

    def exhausted(self, attempts: int, spent: Cost) -> bool:
        """True when nothing is left for another attempt."""
        pairs = (
            (attempts, self.attempts),
            (spent.seconds, self.seconds),
            (spent.evaluations, self.evaluations),
        )
        return any(limit is not None and used >= limit for used, limit in pairs)
