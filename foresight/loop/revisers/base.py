"""The interface of a reviser."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.world.world_model import WorldModel

Frames = Float[Tensor, "rgb=3 frame height width"]


@dataclass(frozen=True)
class Case:
    """A prediction beside what was seen.

    Args:
        context: observed frames before the future.
        observed: what was seen of the future.
        predicted: what was expected, over the same frames.
        instruction: under which it was expected.
        hypotheses: instructions that nobody has tried yet; empty if the reviser may say anything.
    """

    context: Frames
    observed: Frames
    predicted: Frames
    instruction: str
    hypotheses: tuple[str, ...]


class Reviser(Protocol):
    """Says what was really done."""

    def revise(self, model: WorldModel, case: Case) -> str:
        """A better instruction."""


class ScoringReviser(ABC):
    """Scores given hypotheses and returns the best."""

    @abstractmethod
    def scores(self, model: WorldModel, case: Case) -> Float[Tensor, " hypothesis"]:
        """Score of each hypothesis for what was seen; higher is better."""

    def revise(self, model: WorldModel, case: Case) -> str:
        """The hypothesis with the highest score.

        Raises:
            UserError: if there is none to score.
        """
        if not case.hypotheses:
            raise UserError(
                expected="hypotheses that were not tried yet",
                got="none",
                remedy="give hypotheses=[…], or a reviser that finds its own words",
            )
        return case.hypotheses[int(self.scores(model, case).argmax())]
