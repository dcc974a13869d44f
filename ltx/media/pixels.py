"""Videos as tensors: bytes to [−1, 1] and back, resizing, cropping, blurring."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

Interpolation = Literal["bilinear", "bicubic"]

OVERSHOOT = 16.0
"""No decoder draws that far outside [−1, 1]; pixels in 0…255 nearly all lie beyond."""


def to_float(pixels: UInt8[Tensor, "frame height width rgb=3"]) -> Float[Tensor, "rgb=3 frame height width"]:
    """Bytes 0…255 as float32 in [−1, 1]: x / 127.5 − 1."""
    return rearrange(pixels, "f h w c -> c f h w").float() / 127.5 - 1


def to_pixels(
    video: Float[Tensor, "rgb=3 frame height width"] | UInt8[Tensor, "rgb=3 frame height width"],
) -> UInt8[Tensor, "frame height width rgb=3"]:
    """Inverse of `to_float`, rounded; what a decoder draws beyond [−1, 1] is clipped, and bytes stay as they are.

    Raises:
        ValueError: if the video is not (3, frames, height, width), holds a NaN, an infinity or integers other than
            bytes, or lies so far outside [−1, 1] that it is in another range.
    """
    if video.ndim != 4 or video.shape[0] != 3 or video.numel() == 0:
        raise ValueError(f"expected a video of shape (3, frames, height, width), got {tuple(video.shape)}")
    if video.dtype == torch.uint8:
        return rearrange(video.cpu(), "c f h w -> f h w c").contiguous()
    if not video.is_floating_point():
        raise ValueError(f"expected pixels as bytes, or as floats in [-1, 1], got {video.dtype}; convert them first")
    if not torch.isfinite(video).all():
        raise ValueError("expected finite pixel values, got NaN or infinity; look where the video was made")
    if (furthest := float(video.detach().abs().max())) > OVERSHOOT:
        raise ValueError(f"expected pixels in [-1, 1], got {furthest:.4g}; scale 0…255 by x / 127.5 - 1")
    pixels = ((video.detach().float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu()
    return rearrange(pixels, "c f h w -> f h w c").contiguous()


def cover_size(height: int, width: int, target_height: int, target_width: int) -> tuple[int, int]:
    """Smallest (height, width) of the same aspect, up to rounding, that covers the target."""
    scale = max(target_height / height, target_width / width)
    return max(target_height, round(height * scale)), max(target_width, round(width * scale))


def resize(
    video: Float[Tensor, "rgb=3 frame in_height in_width"],
    height: int,
    width: int,
    interpolation: Interpolation = "bicubic",
) -> Float[Tensor, "rgb=3 frame height width"]:
    """Every frame resized with an antialiased filter, aspect not kept; bicubic overshoot is clipped to [−1, 1]."""
    frames = rearrange(video, "c f h w -> f c h w")
    frames = F.interpolate(frames, (height, width), mode=interpolation, antialias=True, align_corners=False)
    return rearrange(frames, "f c h w -> c f h w").clamp(-1, 1)


def centre_crop(
    video: Float[Tensor, "rgb=3 frame in_height in_width"], height: int, width: int
) -> Float[Tensor, "rgb=3 frame height width"]:
    """The middle of every frame; an odd remainder leaves the larger margin at the bottom and right.

    Raises:
        ValueError: if the target is larger than the video.
    """
    top, left = (video.shape[-2] - height) // 2, (video.shape[-1] - width) // 2
    if top < 0 or left < 0:
        raise ValueError(f"expected a video of at least {height}×{width} to crop from, got {tuple(video.shape[-2:])}")
    return video[..., top : top + height, left : left + width]


def cover(
    video: Float[Tensor, "rgb=3 frame in_height in_width"],
    height: int,
    width: int,
    interpolation: Interpolation = "bicubic",
) -> Float[Tensor, "rgb=3 frame height width"]:
    """Resize so that the target is just covered, aspect kept, and crop the middle."""
    size = cover_size(video.shape[-2], video.shape[-1], height, width)
    if size != tuple(video.shape[-2:]):
        video = resize(video, *size, interpolation)
    return centre_crop(video, height, width)
