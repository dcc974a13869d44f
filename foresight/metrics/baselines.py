"""Predictions that need no model: every figure stands beside them."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

Video = Float[Tensor, "batch 3 frame height width"]


def copy_last_frame(context: Video, frames: int) -> Video:
    """The last context frame, repeated."""
    return context[:, :, -1:].expand(-1, -1, frames, -1, -1)


def linear_extrapolation(context: Video, frames: int) -> Video:
    """Each pixel goes on changing as between the last two context frames, clamped to [−1, 1].

    Raises:
        ValueError: if the context has a single frame.
    """
    if context.shape[2] < 2:
        raise ValueError("expected at least 2 context frames to extrapolate from, got 1")
    last, change = context[:, :, -1:], context[:, :, -1:] - context[:, :, -2:-1]
    steps = torch.arange(1, frames + 1, device=context.device, dtype=context.dtype).view(1, 1, -1, 1, 1)
    return (last + change * steps).clamp(-1, 1)
