"""Rotary positions in seconds and pixels, shared by VLM tokens and video latents."""

from __future__ import annotations

import math

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

# The shortest wavelength an axis resolves is 2·extent/FINEST.
FINEST = 32.0


class SharedRotary(nn.Module):
    """Rotation of queries and keys by where their tokens lie, so that attention sees only differences of place.

    Of a head's 8J channels, 6J are J pairs per axis turned by coordinate·ω with ω from π/extent to 32·π/extent; the
    last 2J are never turned and compare content alone. Keys of tokens without a place (text) keep only those.

    Args:
        head_dim: channels of a head, a multiple of 8.
        extent: seconds, pixel rows and pixel columns over which the lowest frequency makes half a turn.

    Raises:
        ValueError: if head_dim is not a positive multiple of 8 or an extent is not above 0.
    """

    frequencies: Tensor

    def __init__(self, *, head_dim: int, extent: tuple[float, float, float]) -> None:
        super().__init__()
        if head_dim < 8 or head_dim % 8:
            raise ValueError(f"expected a head of 8, 16, 24, … channels, got {head_dim}")
        if min(extent) <= 0:
            raise ValueError(f"expected extents above 0 (seconds, rows, columns), got {tuple(extent)}")
        steps = torch.linspace(0, 1, head_dim // 8, dtype=torch.float32)
        frequencies = math.pi / torch.tensor(extent, dtype=torch.float32)[:, None] * FINEST**steps
        self.register_buffer("frequencies", frequencies, persistent=False)

    def angles(self, coordinates: Float[Tensor, "batch axis=3 token"]) -> Float[Tensor, "batch 1 token pair"]:
        """Angle of each pair of channels for tokens at these coordinates."""
        turned = coordinates.float()[..., None] * self.frequencies[None, :, None]
        return rearrange(turned, "b a n j -> b 1 n (a j)")

    def rotate(
        self, heads: Float[Tensor, "batch head token channel"], angles: Float[Tensor, "batch 1 token pair"]
    ) -> Float[Tensor, "batch head token channel"]:
        """Queries or keys turned by their angles, in float32 and back."""
        turned, content = self.split(heads)
        even, odd = rearrange(turned.float(), "b h n (p two) -> two b h n p", two=2)
        cosine, sine = angles.cos(), angles.sin()
        pairs = torch.stack([even * cosine - odd * sine, odd * cosine + even * sine], dim=-1)
        return torch.cat([rearrange(pairs, "b h n p two -> b h n (p two)").to(heads.dtype), content], dim=-1)

    @staticmethod
    def split(
        heads: Float[Tensor, "batch head token channel"],
    ) -> tuple[Float[Tensor, "batch head token turned"], Float[Tensor, "batch head token content"]]:
        """The channels that are turned and those that are not."""
        at = heads.shape[-1] // 8 * 6
        return heads[..., :at], heads[..., at:]
