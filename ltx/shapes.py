"""Video and latent shapes: the only home of the 32×32×8 compression, of 8k+1, and of token coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

SPACE = 32
TIME = 8
CHANNELS = 128


@dataclass(frozen=True)
class VideoShape:
    """Size of a video in frames and pixels.

    Raises:
        ValueError: if frames is not 8k+1, or height or width is not a positive multiple of 32.
    """

    frames: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if self.frames < 1 or self.frames % TIME != 1:
            nearest = max(0, round((self.frames - 1) / TIME)) * TIME + 1
            raise ValueError(f"expected {TIME}k+1 frames (1, 9, 17, …), got {self.frames}; the nearest is {nearest}")
        for name, size in (("height", self.height), ("width", self.width)):
            if size < SPACE or size % SPACE:
                nearest = max(1, round(size / SPACE)) * SPACE
                raise ValueError(
                    f"expected a {name} that is a multiple of {SPACE}, got {size}; the nearest is {nearest}"
                )

    @property
    def latent(self) -> LatentShape:
        """The latent grid: (frames−1)/8+1, height/32, width/32."""
        return LatentShape((self.frames - 1) // TIME + 1, self.height // SPACE, self.width // SPACE)

    @classmethod
    def of(cls, video: Float[Tensor, "batch channel frame height width"]) -> VideoShape:
        """Shape of a video tensor, checked."""
        return cls(*video.shape[2:])


@dataclass(frozen=True)
class LatentShape:
    """Size of a latent grid in latent frames, rows and columns (each ≥ 1)."""

    frames: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if min(self.frames, self.height, self.width) < 1:
            raise ValueError(f"expected a latent grid of at least 1×1×1, got {self.frames}×{self.height}×{self.width}")

    @property
    def tokens(self) -> int:
        """Number of tokens: patch size is 1."""
        return self.frames * self.height * self.width

    @property
    def video(self) -> VideoShape:
        """The pixel video this grid decodes to."""
        return VideoShape((self.frames - 1) * TIME + 1, self.height * SPACE, self.width * SPACE)

    @classmethod
    def of(cls, latents: Float[Tensor, "batch channel frame height width"]) -> LatentShape:
        """Shape of a latent tensor."""
        return cls(*latents.shape[2:])


def to_tokens(latents: Float[Tensor, "batch channel frame height width"]) -> Float[Tensor, "batch token channel"]:
    """Latents as a token sequence, ordered by frame, then row, then column."""
    return rearrange(latents, "b c f h w -> b (f h w) c")


def from_tokens(
    tokens: Float[Tensor, "batch token channel"], shape: LatentShape
) -> Float[Tensor, "batch channel frame height width"]:
    """Inverse of `to_tokens`.

    Raises:
        ValueError: if the number of tokens is not that of the grid.
    """
    if tokens.shape[1] != shape.tokens:
        raise ValueError(f"expected {shape.tokens} tokens for the latent grid {shape}, got {tokens.shape[1]}")
    return rearrange(tokens, "b (f h w) c -> b c f h w", f=shape.frames, h=shape.height, w=shape.width)


def coordinates(
    shape: LatentShape,
    *,
    frame_rate: float,
    causal: bool = True,
    start: int = 0,
    device: torch.device | None = None,
) -> Float[Tensor, "axis=3 token"]:
    """Start of each token in seconds, pixel rows and pixel columns, float32.

    Args:
        shape: the latent grid.
        frame_rate: frames per second, > 0.
        causal: True for releases from 0.9.5 on: the first latent frame covers one pixel frame, so latent frame i
            starts at pixel frame max(0, 8i − 7). False (0.9.0, 0.9.1): at 8i.
        start: pixel frame of the video at which the grid's own frame 0 lies.
        device: where to make them.
    """
    if not frame_rate > 0:
        raise ValueError(f"expected a frame rate above 0, got {frame_rate}")
    frame = torch.arange(shape.frames, device=device, dtype=torch.float32) * TIME
    if causal:
        frame = (frame + 1 - TIME).clamp(min=0)
    # Multiplied by the reciprocal, as the releases do: the rotary table amplifies the last bit of a time.
    seconds = (frame + start) * (1 / frame_rate)
    row = torch.arange(shape.height, device=device, dtype=torch.float32) * SPACE
    column = torch.arange(shape.width, device=device, dtype=torch.float32) * SPACE
    grid = torch.meshgrid(seconds, row, column, indexing="ij")
    return rearrange(torch.stack(grid), "a f h w -> a (f h w)")
