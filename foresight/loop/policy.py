"""What to do after an attempt: a pure function of what was asked, tried, judged and spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from foresight.loop.moves import Move, Step
from foresight.verify.head import Decision


@dataclass(frozen=True)
class Judged:
    """What a policy knows of an attempt.

    Args:
        move: how it was made.
        instruction: what was supposed to be done.
        probability: the verifier's, that this prediction comes true; None where it cannot say.
        decision: the verifier's.
    """

    move: Move
    instruction: str
    probability: float | None
    decision: Decision | None


@dataclass(frozen=True)
class Situation:
    """What a policy knows.

    Args:
        instruction: what was asked for.
        seed: what was asked for.
        hypotheses: what else could have been done, in the order in which it should be tried.
        candidates: per attempt; seeds that far apart share no candidate.
        tried: attempts so far.
        exhausted: whether the budget is spent; then no move may follow.
    """

    instruction: str
    seed: int
    hypotheses: tuple[str, ...]
    candidates: int
    tried: tuple[Judged, ...]
    exhausted: bool

    @property
    def best(self) -> int | None:
        """The most probable attempt, the first of several; None if none was judged."""
        judged = [index for index, attempt in enumerate(self.tried) if attempt.probability is not None]
        return max(judged, key=lambda index: self.probability(index), default=None)

    @property
    def fresh_seed(self) -> int:
        """A seed whose candidates no earlier attempt has drawn."""
        return self.seed + self.candidates * len(self.tried)

    @property
    def untried(self) -> tuple[str, ...]:
        """The asked instruction and the hypotheses that no attempt was made for, in order."""
        used = {attempt.instruction for attempt in self.tried}
        return tuple(text for text in dict.fromkeys((self.instruction, *self.hypotheses)) if text not in used)

    def probability(self, index: int) -> float:
        """Of an attempt; 0 where nothing could be judged."""
        return self.tried[index].probability or 0.0

    def count(self, kind: type[Move]) -> int:
        """How many attempts were made in one way."""
        return sum(isinstance(attempt.move, kind) for attempt in self.tried)


class Policy(Protocol):
    """Asked before every attempt and after the last."""

    def decide(self, seen: Situation) -> Step | None:
        """The next step; None if this policy has nothing to say."""


@dataclass(frozen=True)
class Chain:
    """Asks one policy after the other: the first that has something to say decides.

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
