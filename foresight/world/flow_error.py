"""The flow-matching error of a conditioned model: of its velocity on known futures, at chosen noise levels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from adapters import LatentForecast
from foresight.world.denoiser import FutureDenoiser
from ltx.flow.path import interpolate, velocity_between


@torch.no_grad()
def flow_error(
    denoise: FutureDenoiser,
    future: Float[Tensor, "row token channel"],
    noise: Float[Tensor, "row token channel"],
    levels: Sequence[float],
    forecast: LatentForecast | None = None,
) -> Float[Tensor, "row level"]:
    """Mean squared error of the velocity towards known futures, per row and noise level.

    Without a forecast the flow is shown the noised future, x = (1−σ)·z + σ·ε, and the velocity is ε − z: the loss of
    flow matching (arXiv 2210.02747). A forecast takes the future's place in x, as it does in prediction, and the
    velocity that leads from x to z is (x − z)/σ.

    Args:
        denoise: the model under one condition.
        future: true latents z.
        noise: ε, to be shared by everything that is compared.
        levels: noise levels σ in (0, 1].
        forecast: of the adapter, if it makes one.
    """
    errors = []
    for level in levels:
        times = future.new_full(future.shape[:2], level)
        if forecast is None:
            entered, velocity = interpolate(future, noise, times), velocity_between(future, noise)
        else:
            entered = interpolate(forecast.latents.float(), noise, times)
            velocity = (entered - future) / level
        errors.append((denoise(entered, times).float() - velocity).square().mean(dim=(1, 2)))
    return torch.stack(errors, dim=1)
