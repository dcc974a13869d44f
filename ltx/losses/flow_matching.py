"""Rectified-flow objective of the transformer on the tokens that are to be predicted."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor


def flow_matching_loss(
    prediction: Float[Tensor, "batch token channel"],
    velocity: Float[Tensor, "batch token channel"],
    mask: Float[Tensor, "batch token"] | Bool[Tensor, "batch token"],
) -> Float[Tensor, ""]:
    """mean((v̂ − v)² · mask) / mean(mask), with v = ε − z₀.

    Dividing by the mean of the mask keeps the scale when few tokens are trained on, e.g. the future after a long
    context. All samples' tokens count alike: a sample with more masked-in tokens weighs more.

    Args:
        prediction: v̂, the transformer's output.
        velocity: v, the target.
        mask: weight of each token, 0 for given (conditioning) tokens.

    Raises:
        ValueError: if shapes disagree or the mask is zero everywhere.
    """
    if prediction.shape != velocity.shape or mask.shape != prediction.shape[:2]:
        raise ValueError(
            f"expected prediction and velocity (batch, token, channel) and a mask (batch, token), "
            f"got {tuple(prediction.shape)}, {tuple(velocity.shape)} and {tuple(mask.shape)}"
        )
    mask = mask.to(prediction.dtype)
    share = mask.mean()
    if not share > 0:
        raise ValueError("expected at least one token with a positive mask, got none: nothing would be trained")
    return ((prediction - velocity).square() * mask.unsqueeze(-1)).mean() / share
