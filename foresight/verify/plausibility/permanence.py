"""Permanence of what is in the context: nothing vanishes, appears or changes colour."""

from __future__ import annotations

from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from foresight.metrics.colours import colour_change
from foresight.verify.evidence.records import PriorEvidence
from foresight.verify.plausibility.base import AbstractPlausibility


class Permanence(AbstractPlausibility):
    """Distance of a candidate's colours from those of the last context frame, wherever they are."""

    name = "permanence"

    def __call__(self, prior: PriorEvidence) -> Float[Tensor, "batch candidate"]:
        """0 where pixels only change places."""
        many = prior.predicted.shape[1]
        futures = rearrange(prior.predicted, "b c d f h w -> (b c) d f h w")
        return colour_change(prior.context.repeat_interleave(many, 0), futures).view(-1, many)
