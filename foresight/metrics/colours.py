"""Distance of a future's colours from those of its context, wherever in the picture they are."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

# Colour distributions change slowly: every fourth frame is enough.
STRIDE = 4


def colour_change(
    context: Float[Tensor, "batch rgb=3 context height width"], future: Float[Tensor, "batch rgb=3 frame height width"]
) -> Float[Tensor, " batch"]:
    """Distance of each colour's distribution over pixels from the last context frame's.

    The Wasserstein-1 distance in one dimension, which is the mean difference of sorted values; mean over colours and
    every fourth frame. 0 where pixels only change places.
    """
    before = context[:, :, -1].flatten(2).sort(dim=2).values
    after = future[:, :, STRIDE - 1 :: STRIDE].flatten(3).sort(dim=3).values
    return (after - before[:, :, None]).abs().mean(dim=(1, 2, 3))
