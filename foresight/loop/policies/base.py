"""Interface of a policy: a pure function of the task, the attempts so far and the budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from foresight.loop.policies.moves import Move, Step
from foresight.verify.classifier import Decision


@dataclass(frozen=True)
class JudgedAttempt:
    """An attempt as a policy sees it.

    Args:
        move: that made it.
        instruction: it was made for.
        probability: the verifier's, that this prediction comes true; None where it cannot say.
        decision: the verifier's.
    """

    move: Move
    instruction: str
    probability: float | None
    decision: Decision | None


@dataclass(frozen=True)
class Situation:
    """State of a loop as a policy sees it.

    Args:
        instruction: of the task.
        seed: of the task.
        hypotheses: other instructions that may be the right one, in the order in which to try them.
        candidates: per attempt; seeds that far apart share no candidate.
        tried: attempts so far.
        exhausted: true when the budget is spent; then no move may follow.
    """

    instruction: str
    seed: int
    hypotheses: tuple[str, ...]
    candidates: int
    tried: tuple[JudgedAttempt, ...]
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
        """Number of attempts by one kind of move."""
        return sum(isinstance(attempt.move, kind) for attempt in self.tried)


class Policy(Protocol):
    """Decides before every attempt and after the last."""

    def decide(self, seen: Situation) -> Step | None:
        """The next step; None to leave it to other policies."""
