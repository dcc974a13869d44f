"""Distances between two videos, frame by frame. Videos are in [−1, 1]; the figures use the picture's [0, 1] scale."""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

Video = Float[Tensor, "batch 3 frame height width"]
PerFrame = Float[Tensor, "batch frame"]


def mse(predicted: Video, observed: Video) -> PerFrame:
    """Mean squared error of each frame on the [0, 1] scale."""
    return ((_unit(predicted) - _unit(observed)) ** 2).mean(dim=(1, 3, 4))


def psnr(error: Float[Tensor, " *shape"]) -> Float[Tensor, " *shape"]:
    """Peak signal-to-noise ratio in dB of a mean squared error on the [0, 1] scale; 100 dB at most."""
    return -10 * torch.log10(error.clamp(min=1e-10))


def ssim(predicted: Video, observed: Video) -> PerFrame:
    """Structural similarity of each frame (Wang et al., 2004; Gaussian window of 11 pixels), 1 for equal frames."""
    frames = predicted.shape[2]
    flat = [rearrange(_unit(video), "b c f h w -> (b f) c h w") for video in (predicted, observed)]
    values = structural_similarity_index_measure(flat[0], flat[1], data_range=1.0, reduction="none")
    assert isinstance(values, Tensor)
    return rearrange(values, "(b f) -> b f", f=frames)


def gradient_energy(video: Video) -> PerFrame:
    """Mean squared difference of neighbouring pixels: what blur takes away."""
    video = _unit(video)
    return video.diff(dim=3).square().mean(dim=(1, 3, 4)) + video.diff(dim=4).square().mean(dim=(1, 3, 4))


def _unit(video: Tensor) -> Tensor:
    return (video.float().clamp(-1, 1) + 1) / 2
