"""Operations on latents between the passes of multi-scale generation, and before decoding."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.offload import at_work, device_of, dtype_of
from ltx.shapes import SPACE, VideoShape
from ltx.upsampler import LatentUpsampler
from ltx.vae import VideoVAE

# The released configurations' first pass, as a share of the requested height and width.
DOWNSCALE = 0.6666666


def adain(
    latents: Float[Tensor, "batch channel frame height width"],
    reference: Float[Tensor, "batch channel frame2 height2 width2"],
    factor: float = 1.0,
) -> Float[Tensor, "batch channel frame height width"]:
    """Give latents each channel's mean and standard deviation in a reference (arXiv 1703.06868).

    Args:
        latents: what to change.
        reference: of the same batch and channels, of any size.
        factor: 0 changes nothing, 1 takes the reference's statistics.
    """
    axes = (2, 3, 4)
    std, mean = torch.std_mean(latents, dim=axes, keepdim=True)
    wanted_std, wanted_mean = torch.std_mean(reference, dim=axes, keepdim=True)
    return torch.lerp(latents, (latents - mean) / std * wanted_std + wanted_mean, factor)


def tone_map(latents: Float[Tensor, "*size"], compression: float) -> Float[Tensor, "*size"]:
    """Shrink large latents: z·(1 − 0.8·κ·sigmoid(4κ(|z| − 1))) with κ = 0.75·compression.

    Raises:
        ValueError: if compression is outside [0, 1].
    """
    if not 0 <= compression <= 1:
        raise ValueError(f"expected a tone-map compression in [0, 1], got {compression}")
    kappa = 0.75 * compression
    return latents * (1 - 0.8 * kappa * torch.sigmoid(4 * kappa * (latents.abs() - 1)))


def low_size(shape: VideoShape) -> VideoShape:
    """Size of the first pass: two thirds of the height and width, rounded down to a multiple of 32.

    Raises:
        ValueError: if a side is below 64 pixels and nothing would be left, or a single token, which has no spread for
            `adain` to carry over.
    """
    height, width = (int(side * DOWNSCALE) // SPACE * SPACE for side in (shape.height, shape.width))
    if min(height, width) < SPACE or (shape.frames, height, width) == (1, SPACE, SPACE):
        raise ValueError(
            f"expected at least {2 * SPACE}×{2 * SPACE} pixels for multi-scale generation, more for a single frame, "
            f"got {shape.frames} frames of {shape.height}×{shape.width}; choose a preset of one pass"
        )
    return VideoShape(shape.frames, height, width)


def upsample(
    latents: Float[Tensor, "batch channel frame height width"], *, vae: VideoVAE, upsampler: LatentUpsampler
) -> Float[Tensor, "batch channel frame2 height2 width2"]:
    """Enlarged normalised latents with the channel statistics of the small ones.

    The upsampler works on un-normalised latents; the VAE's statistics lead there and back.
    """
    statistics = vae.per_channel_statistics
    with at_work(vae):
        raw = statistics.denormalize(latents)
    enlarged = upsampler(raw.to(device_of(upsampler), dtype_of(upsampler))).to(latents)
    with at_work(vae):
        return adain(statistics.normalize(enlarged), latents)
