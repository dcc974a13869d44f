"""Candidates as hypotheses of what will happen: each is taken as the outcome and judged by the others."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.prediction import Prediction


def as_hypotheses(
    prediction: Prediction,
) -> tuple[list[Prediction], Float[Tensor, "candidate rgb=3 frame height width"]]:
    """For each candidate, the prediction without it; and the candidates as outcomes.

    Raises:
        UserError: if there are fewer than three candidates.
    """
    count = len(prediction)
    if count < 3:
        raise UserError(
            expected="at least 3 candidates to rank them by each other",
            got=str(count),
            remedy="predict with more candidates",
        )
    without = [
        replace(prediction, video=prediction.video[others], latents=prediction.latents[others])
        for others in (torch.arange(count) != left for left in range(count))
    ]
    return without, prediction.video
