"""What to do after an attempt: a pure function of what was tried, judged and spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from foresight.verify.verifier import Decision

Action = Literal["accept", "abstain", "try"]


@dataclass(frozen=True)
class Judged:
    """What a policy knows of an attempt.

    Args:
        instruction: what was supposed to be done.
        seed: of the attempt.
        probability: the verifier's.
        decision: the verifier's.
    """

    instruction: str
    seed: int
    probability: float
    decision: Decision


@dataclass(frozen=True)
class Budget:
    """Limits of a loop; the first that is reached ends it.

    Args:
        attempts: predictions, at least 1.
        seconds: wall-clock time after which no attempt is started.
        evaluations: transformer evaluations, candidates counted singly, after which no attempt is started.
    """

    attempts: int
    seconds: float = float("inf")
    evaluations: float = float("inf")

    def __post_init__(self) -> None:
        if self.attempts < 1 or not self.seconds > 0 or not self.evaluations > 0:
            raise ValueError(f"expected a budget of at least one attempt and some time, got {self}")


@dataclass(frozen=True)
class Spent:
    """What a loop has used so far."""

    attempts: int = 0
    seconds: float = 0.0
    evaluations: int = 0

    def exhausts(self, budget: Budget) -> bool:
        """Whether nothing is left for another attempt."""
        return (
            self.attempts >= budget.attempts or self.seconds >= budget.seconds or self.evaluations >= budget.evaluations
        )


@dataclass(frozen=True)
class Step:
    """A decision.

    Args:
        action: take an attempt, take none, or try again.
        attempt: which one is taken, for "accept".
        instruction: what to predict next, for "try".
        seed: with which seed, for "try".
    """

    action: Action
    attempt: int | None = None
    instruction: str | None = None
    seed: int | None = None


class Policy(Protocol):
    """Decides after every attempt, and once before the first."""

    def decide(self, tried: Sequence[Judged], exhausted: bool) -> Step:
        """The next step."""


@dataclass(frozen=True)
class Once:
    """Predict once; take it unless the verifier rejects it or cannot tell."""

    instruction: str
    seed: int

    def decide(self, tried: Sequence[Judged], exhausted: bool) -> Step:
        """Accept what is accepted, abstain otherwise."""
        if not tried:
            return Step("try", instruction=self.instruction, seed=self.seed)
        return Step("accept", attempt=0) if tried[0].decision == "accept" else Step("abstain")


@dataclass(frozen=True)
class Resample:
    """Draw with new seeds until the verifier accepts; abstain when the budget is spent.

    Args:
        instruction: what is done.
        seed: of the first attempt.
        stride: from one attempt's seed to the next; the number of candidates keeps them all different.
    """

    instruction: str
    seed: int
    stride: int

    def decide(self, tried: Sequence[Judged], exhausted: bool) -> Step:
        """Accept the latest, try the next seed, or abstain."""
        if tried and tried[-1].decision == "accept":
            return Step("accept", attempt=len(tried) - 1)
        if exhausted:
            return Step("abstain")
        return Step("try", instruction=self.instruction, seed=self.seed + self.stride * len(tried))


@dataclass(frozen=True)
class Compare:
    """Try every hypothesis of what was done, then take the one that explains best what was seen.

    Comparing hypotheses needs no absolute threshold; a margin decides whether to abstain.

    Args:
        hypotheses: instructions, in the order they are tried.
        seed: of every attempt, so that hypotheses differ by nothing else.
        margin: least lead in probability over the second best.
    """

    hypotheses: tuple[str, ...]
    seed: int
    margin: float

    def __post_init__(self) -> None:
        if len(set(self.hypotheses)) < 2 or len(set(self.hypotheses)) != len(self.hypotheses):
            raise ValueError(f"expected at least two different hypotheses, got {self.hypotheses}")
        if not 0 <= self.margin < 1:
            raise ValueError(f"expected a margin in [0, 1), got {self.margin}")

    def decide(self, tried: Sequence[Judged], exhausted: bool) -> Step:
        """Try the next hypothesis, or take the best of those tried."""
        if len(tried) < len(self.hypotheses) and not exhausted:
            return Step("try", instruction=self.hypotheses[len(tried)], seed=self.seed)
        order = sorted(range(len(tried)), key=lambda index: -tried[index].probability)
        second = tried[order[1]].probability if len(order) > 1 else 0.0
        if not order or tried[order[0]].probability - second < self.margin:
            return Step("abstain")
        return Step("accept", attempt=order[0])
