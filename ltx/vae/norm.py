"""Normalisation over channels."""

from __future__ import annotations

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

EPSILON = 1e-8
"""Under the root of the pixel norm."""


def pixel_norm(x: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b c f h w"]:
    """Divide each position by the root mean square of its channels: x / sqrt(mean x² + 1e-8)."""
    # One kernel, and without movement of data where x is channels-last.
    last = rearrange(x, "b c f h w -> b f h w c")
    return rearrange(F.rms_norm(last, last.shape[-1:], eps=EPSILON), "b f h w c -> b c f h w")


class ChannelLayerNorm(nn.Module):
    """LayerNorm over channels with affine parameters, used on the shortcut of channel-changing blocks."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, x: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b c f h w"]:
        """Normalise each position."""
        normed: Tensor = self.norm(rearrange(x, "b c f h w -> b f h w c"))
        return rearrange(normed, "b f h w c -> b c f h w")
