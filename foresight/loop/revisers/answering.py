"""A vision-language model as reviser in its own words."""

from __future__ import annotations

from typing import Protocol, cast

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.loop.revisers.base import Case
from foresight.vlm.vision import SeenVideo
from foresight.world.world_model import WorldModel


class Answers(Protocol):
    """A vision-language model that speaks; `foresight.QwenEncoder` is one."""

    def see(self, frames: Float[Tensor, "batch rgb=3 frame height width"], *, frame_rate: float) -> SeenVideo:
        """Look at clips."""

    def describe(self, seen: SeenVideo) -> list[str]:
        """Description of each clip."""

    def answer(self, seen: SeenVideo, questions: list[str], *, longest: int = 128) -> list[str]:
        """One answer per clip."""


class AnsweringReviser:
    """Describes what was expected, then looks at what was seen and says what was done instead.

    Needs a model that follows such a question; the embedded one has not learned to (see `JudgingReviser`).

    Args:
        question: asked about what was seen; may hold {instruction}, what was supposed to be done, and {expected}, the
            model's description of the prediction.
        vlm: answers; None takes the world model's own.
        longest: tokens after which an answer is cut.
    """

    def __init__(self, question: str, vlm: Answers | None = None, longest: int = 64) -> None:
        self.question, self.vlm, self.longest = question, vlm, longest

    @torch.no_grad()
    def revise(self, model: WorldModel, case: Case) -> str:
        """The answer's first line.

        Raises:
            UserError: if there is no vision-language model that speaks, or it says nothing.
        """
        found = model.vlm if self.vlm is None else self.vlm
        if not hasattr(found, "answer"):
            raise UserError(
                expected="a vision-language model that answers", got="none", remedy="choose reviser=likelihood"
            )
        vlm = cast(Answers, found)
        rate = model.sampling_config.frame_rate
        expected = vlm.describe(vlm.see(torch.cat([case.context, case.predicted], dim=1)[None], frame_rate=rate))[0]
        question = self.question.format(instruction=case.instruction, expected=expected)
        seen = vlm.see(torch.cat([case.context, case.observed], dim=1)[None], frame_rate=rate)
        said = vlm.answer(seen, [question], longest=self.longest)[0].strip()
        if not said:
            raise UserError(
                expected="an instruction from the model", got="an empty answer", remedy="ask another question"
            )
        return said.splitlines()[0]
