"""How well a conditioned flow explains what happened: the error of its velocity at chosen noise levels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from adapters import LatentForecast
from foresight.world.denoiser import ConditionedSequence, FutureDenoiser
from ltx.flow.path import interpolate
from ltx.transformer import VideoTransformer


@torch.no_grad()
def flow_losses(
    transformer: VideoTransformer,
    given: ConditionedSequence,
    forecast: LatentForecast | None,
    future: Float[Tensor, "batch token channel"],
    noise: Float[Tensor, "batch token channel"],
    levels: Sequence[float],
) -> Float[Tensor, "batch level"]:
    """Mean squared error of the velocity towards the true future, per clip and noise level.

    Without a forecast the flow is shown the noised truth, x = (1−σ)·z + σ·ε: the loss of flow matching. A forecast
    takes the truth's place in x, as it does in prediction. The right answer is (x − z)/σ in both cases.

    Args:
        transformer: predicts velocities.
        given: context, text and what the adapter adds to them.
        forecast: of the adapter, if it makes one.
        future: true latents z.
        noise: ε, to be shared by everything that is compared.
        levels: noise levels σ in (0, 1].
    """
    denoise = FutureDenoiser(transformer, given)
    start = future if forecast is None else forecast.latents.float()
    losses = []
    for level in levels:
        times = future.new_full(future.shape[:2], level)
        entered = interpolate(start, noise, times)
        error = denoise(entered, times).float() - (entered - future) / level
        losses.append(error.square().mean(dim=(1, 2)))
    return torch.stack(losses, dim=1)
