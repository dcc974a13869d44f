"""Distances between two videos, frame by frame. Videos are in [−1, 1]; the figures use the picture's [0, 1] scale."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d, pad

Video = Float[Tensor, "batch 3 frame height width"]
PerFrame = Float[Tensor, "batch frame"]
WINDOW = 11
"""Pixels of the window of structural similarity."""


def mse(predicted: Video, observed: Video) -> PerFrame:
    """Mean squared error of each frame on the [0, 1] scale."""
    return ((_unit(predicted) - _unit(observed)) ** 2).mean(dim=(1, 3, 4))


MOVES = 0.06
"""Least change of a colour, on the [0, 1] scale, from which on a pixel counts as moving: 15 of 255 grey levels."""


def moving_mse(predicted: Video, observed: Video, last: Video) -> PerFrame:
    """The part of `mse` that lies on moving pixels: squared errors elsewhere count 0, the mean is over all pixels.

    Two methods' ratio is then that of their errors on moving pixels alone; a frame in which nothing moves has 0.

    Args:
        predicted: in [−1, 1].
        observed: likewise.
        last: the last context frame, one frame per clip; what differs from it in the observed future moves.
    """
    moves = ((_unit(observed) - _unit(last)).abs().amax(dim=1, keepdim=True) > MOVES).float()
    return ((_unit(predicted) - _unit(observed)) ** 2 * moves).mean(dim=(1, 3, 4))


def psnr(error: Float[Tensor, " *shape"]) -> Float[Tensor, " *shape"]:
    """Peak signal-to-noise ratio in dB of a mean squared error on the [0, 1] scale; 100 dB at most."""
    return -10 * torch.log10(error.clamp(min=1e-10))


def ssim(predicted: Video, observed: Video) -> PerFrame:
    """Structural similarity of each frame, 1 for equal frames.

    Wang et al. (2004): Gaussian window of 11 pixels and σ = 1.5, reflected at the border, mean over pixels and
    colours. The window is applied as two lines of 11 weights instead of a square of 121, clip after clip, which keeps
    the maps in the processor's cache.

    torchmetrics gives the same within 1e-6 (a test compares). It stays out of the way of `foresight predict`, which
    scores what it predicted: its import takes 1.8 s of one core, and its single pass over 16 clips of 64×64 pixels
    0.76 s instead of 0.29 s; called clip by clip it takes as long as this (at 256×256 two thirds).

    Raises:
        ValueError: if a side is shorter than 6 pixels, which cannot be reflected.
    """
    if min(predicted.shape[3:]) <= WINDOW // 2:
        raise ValueError(f"expected sides longer than {WINDOW // 2} pixels, got {tuple(predicted.shape[3:])}")
    pairs = zip(_unit(predicted), _unit(observed), strict=True)
    return torch.stack([_ssim_map(one, other).mean(dim=(0, 2, 3)) for one, other in pairs])


def _ssim_map(
    one: Float[Tensor, "rgb frame height width"], other: Float[Tensor, "rgb frame height width"]
) -> Float[Tensor, "rgb frame height width"]:
    mean, of_other = _blur(one), _blur(other)
    variance = _blur(one * one) - mean**2 + _blur(other * other) - of_other**2
    covariance = _blur(one * other) - mean * of_other
    c1, c2 = 0.01**2, 0.03**2
    lightness = (2 * mean * of_other + c1) / (mean**2 + of_other**2 + c1)
    return lightness * (2 * covariance + c2) / (variance + c2)


def _blur(picture: Float[Tensor, "rgb frame height width"]) -> Float[Tensor, "rgb frame height width"]:
    half = WINDOW // 2
    offsets = torch.arange(-half, half + 1, device=picture.device, dtype=picture.dtype)
    weights = torch.softmax(-(offsets**2) / (2 * 1.5**2), dim=0)
    flat = pad(picture.flatten(0, 1)[:, None], (half,) * 4, mode="reflect")
    blurred = conv2d(conv2d(flat, weights.view(1, 1, -1, 1)), weights.view(1, 1, 1, -1))
    return blurred.view_as(picture)


def gradient_energy(video: Video) -> PerFrame:
    """Mean squared difference of neighbouring pixels: what blur takes away."""
    video = _unit(video)
    return video.diff(dim=3).square().mean(dim=(1, 3, 4)) + video.diff(dim=4).square().mean(dim=(1, 3, 4))


def _unit(video: Tensor) -> Tensor:
    return (video.float().clamp(-1, 1) + 1) / 2
