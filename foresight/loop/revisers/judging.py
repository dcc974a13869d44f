"""A vision-language model as reviser by likelihood: which answer fits what was seen better than what was expected?"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.loop.revisers.base import Case, ScoringReviser
from foresight.vlm.yes_no import JudgesAnswers
from foresight.world.world_model import WorldModel


class JudgingReviser(ScoringReviser):
    """log p(answer | what was seen) − log p(answer | what was expected), for the answer that each hypothesis gives.

    The difference takes out what the model would say of any clip.

    Args:
        question: what is asked about each clip.
        wording: parts of an instruction → what they read in an answer, applied in order.
        vlm: answers; None takes the world model's own.
    """

    def __init__(self, question: str, wording: Mapping[str, str], vlm: JudgesAnswers | None = None) -> None:
        self.question, self.wording, self.vlm = question, dict(wording), vlm

    def scores(self, model: WorldModel, case: Case) -> Float[Tensor, " hypothesis"]:
        """Higher fits better.

        Raises:
            UserError: if there is no vision-language model that can judge.
        """
        vlm = model.vlm if self.vlm is None else self.vlm
        if not isinstance(vlm, JudgesAnswers):
            raise UserError(
                expected="a vision-language model that judges answers",
                got="none",
                remedy="load a world model with one, or choose reviser=likelihood",
            )
        clips = [torch.cat([case.context, future], dim=1) for future in (case.observed, case.predicted)]
        seen = vlm.see(torch.stack(clips), frame_rate=model.sampling_config.frame_rate)
        answers = [self._answer(text) for text in case.hypotheses]
        observed, expected = vlm.judge(seen, [self.question] * 2, answers)
        scores: Tensor = observed - expected
        return scores.cpu()

    def _answer(self, instruction: str) -> str:
        for part, said in self.wording.items():
            instruction = instruction.replace(part, said)
        return instruction
