"""Whether what is in the context stays in the picture: nothing vanishes, appears or changes colour."""

from __future__ import annotations

from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from foresight.metrics.colours import colour_change
from foresight.verify.evidence import Prospect
from foresight.verify.plausibility.base import AbstractPlausibility


class Permanence(AbstractPlausibility):
    """How far a candidate's colours are from those of the last context frame, wherever they are."""

    name = "permanence"

    def __call__(self, prospect: Prospect) -> Float[Tensor, "batch candidate"]:
        """0 where pixels only change places."""
        many = prospect.predicted.shape[1]
        futures = rearrange(prospect.predicted, "b c d f h w -> (b c) d f h w")
        return colour_change(prospect.context.repeat_interleave(many, 0), futures).view(-1, many)
