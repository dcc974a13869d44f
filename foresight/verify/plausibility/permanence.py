"""Whether what is in the context stays in the picture: nothing vanishes, appears or changes colour."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence import Prospect
from foresight.verify.plausibility.base import AbstractPlausibility

# Colour distributions change slowly: every fourth frame is enough.
STRIDE = 4


class Permanence(AbstractPlausibility):
    """Distance of each colour's distribution over pixels from the last context frame's, wherever the pixels are.

    The Wasserstein-1 distance in one dimension, which is the mean difference of sorted values; mean over colours and
    every fourth frame.
    """

    name = "permanence"

    def __call__(self, prospect: Prospect) -> Float[Tensor, "batch candidate"]:
        """0 where pixels only change places."""
        before = prospect.context[:, :, -1].flatten(2).sort(dim=2).values
        future = prospect.predicted[:, :, :, STRIDE - 1 :: STRIDE].flatten(4).sort(dim=4).values
        return (future - before[:, None, :, None]).abs().mean(dim=(2, 3, 4))
