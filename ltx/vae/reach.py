"""The receptive field of the VAE, from the block lists."""

from __future__ import annotations

from dataclasses import dataclass

from ltx.vae.config import VAEConfig


@dataclass(frozen=True)
class Reach:
    """Latents beyond a latent's own place, before and after it, that its output (or input) frames and pixels touch.

    Attributes:
        past: latent frames before.
        future: latent frames after.
        picture: rows (and columns) to either side.
    """

    past: int
    future: int
    picture: int


def decoder_reach(config: VAEConfig) -> Reach:
    """Latents that the frames and pixels of one latent depend on when decoding."""
    time, height, _ = config.compression
    past, future = _decoder(config, axis=0, low=1 - time, high=0)
    above, below = _decoder(config, axis=1, low=0, high=height // config.patch_size - 1)
    return Reach(past=-past, future=future, picture=max(-above, below))


def encoder_reach(config: VAEConfig) -> Reach:
    """Latents whose frames and pixels one latent depends on when encoding; the future is none."""
    time, height, _ = config.compression
    first, last = _encoder(config, axis=0)
    top, bottom = _encoder(config, axis=1)
    top, bottom = top * config.patch_size, bottom * config.patch_size + config.patch_size - 1
    # Frames −7…0 belong to latent 0, and pixels 0…31.
    outside = max(-top, bottom - (height - 1))
    return Reach(past=-((first + time - 1) // time), future=last, picture=-(-outside // height))


def _decoder(config: VAEConfig, *, axis: int, low: int, high: int) -> tuple[int, int]:
    """Backwards from an interval of outputs to the interval of latents they read."""
    low, high = low - 1, high + 1
    for spec in config.decoder_blocks:
        if spec.kind.startswith("res"):
            convolutions = 2 * spec.num_layers if spec.kind == "res_x" else 2
            low, high = low - convolutions, high + convolutions
            continue
        stride = spec.stride[axis]
        # In time the first frame is dropped, so frame j comes from ⌈j/2⌉; a row from ⌊j/2⌋.
        shift = stride - 1 if axis == 0 else 0
        low, high = (low + shift) // stride - 1, (high + shift) // stride + 1
    return low - 1, high + 1


def _encoder(config: VAEConfig, *, axis: int) -> tuple[int, int]:
    """Backwards from latent 0 to the interval of frames, or of 4-pixel patches, that it reads."""
    before, after = (2, 0) if axis == 0 else (1, 1)
    low, high = -before, after
    for spec in reversed(config.encoder_blocks):
        stride = spec.stride[axis]
        if spec.kind.startswith("res"):
            convolutions = 2 * spec.num_layers if spec.kind == "res_x" else 2
            low, high = low - convolutions * before, high + convolutions * after
        elif spec.kind.endswith("_res"):
            # In time one frame is put in front, so cell j holds frames 2j − 1 and 2j.
            lead = stride - 1 if axis == 0 else 0
            low, high = low * stride - lead - before, high * stride + (stride - 1 - lead) + after
        else:
            low, high = low * stride - before, high * stride + after
    return low - before, high + after
