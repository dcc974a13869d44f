"""Mean squared error of pixels, optionally weighted per pixel."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def pixel_loss(
    reconstruction: Float[Tensor, "batch channel frame height width"],
    target: Float[Tensor, "batch channel frame height width"],
    weights: Float[Tensor, "#batch #frame #height #width"] | None = None,
) -> Float[Tensor, ""]:
    """Mean of the squared error; with weights w ≥ 0, Σ w·e² / Σ w, so that equal weights change nothing.

    Args:
        reconstruction: video in [−1, 1].
        target: video of the same shape.
        weights: importance of each pixel, e.g. higher where something moves; sizes of 1 are broadcast.

    Raises:
        ValueError: if the shapes differ, or no weight is positive.
    """
    if reconstruction.shape != target.shape:
        raise ValueError(
            f"expected two videos of one shape, got {tuple(reconstruction.shape)} and {tuple(target.shape)}"
        )
    error = (reconstruction - target).square()
    if weights is None:
        return error.mean()
    total = weights.mean()
    if not total > 0:
        raise ValueError("expected at least one positive weight, got none")
    return (error * weights.unsqueeze(1)).mean() / total
