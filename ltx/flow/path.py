"""The rectified-flow path x_t = (1 − t)·x_0 + t·ε and the clean end that a velocity points away from.

Liu et al., "Flow Straight and Fast" (arXiv 2209.03003). Time t ∈ [0, 1] is also the noise level σ: 0 is clean, 1 is
pure noise. Every function takes one time per token, or one per sample through a token axis of size 1.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def interpolate(
    clean: Float[Tensor, "batch token channel"],
    noise: Float[Tensor, "batch token channel"],
    sigma: Float[Tensor, "#batch #token"],
) -> Float[Tensor, "batch token channel"]:
    """The point of the path at time sigma: (1 − σ)·x_0 + σ·ε."""
    t = sigma.unsqueeze(-1)
    return (1 - t) * clean + t * noise


def velocity_between(
    clean: Float[Tensor, "batch token channel"], noise: Float[Tensor, "batch token channel"]
) -> Float[Tensor, "batch token channel"]:
    """Velocity of the straight path, v = ε − x_0: what the transformer learns to predict."""
    return noise - clean


def clean_from_velocity(
    x_t: Float[Tensor, "batch token channel"],
    velocity: Float[Tensor, "batch token channel"],
    sigma: Float[Tensor, "#batch #token"],
) -> Float[Tensor, "batch token channel"]:
    """Clean end that a velocity points away from: x_0 = x_t − t·v."""
    return x_t - sigma.unsqueeze(-1) * velocity
