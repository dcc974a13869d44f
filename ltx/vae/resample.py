"""Resampling between the stages: space-to-depth on the way down, depth-to-space on the way up."""

from __future__ import annotations

from math import prod

import torch
from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor, nn

from ltx.vae.clip import AbstractClip
from ltx.vae.convolution import CausalConv3d
from ltx.vae.prologue import accumulate

Stride = tuple[int, int, int]


def space_to_depth(x: Float[Tensor, "b c f h w"], stride: Stride) -> Float[Tensor, "b d f2 h2 w2"]:
    """Fold each stride-sized cell into channels, ordered (c, time, height, width); the result is channels-last."""
    t, p, q = stride
    last = rearrange(x, "b c (f t) (h p) (w q) -> b f h w (c t p q)", t=t, p=p, q=q)
    return rearrange(last, "b f h w c -> b c f h w")


def depth_to_space(x: Float[Tensor, "b d f h w"], stride: Stride) -> Float[Tensor, "b c f2 h2 w2"]:
    """Inverse of `space_to_depth`; the result is channels-last too."""
    t, p, q = stride
    last = rearrange(x, "b (c t p q) f h w -> b (f t) (h p) (w q) c", t=t, p=p, q=q)
    return rearrange(last, "b f h w c -> b c f h w")


class Downsampler(nn.Module):
    """Residual space-to-depth downsampler (0.9.5 and later): length n becomes (n+1)/2 where time is compressed."""

    def __init__(self, in_channels: int, out_channels: int, stride: Stride) -> None:
        super().__init__()
        cell = prod(stride)
        if out_channels % cell or (in_channels * cell) % out_channels:
            raise ValueError(
                f"a space-to-depth of {stride} from {in_channels} to {out_channels} channels is impossible: expected "
                f"an output divisible by {cell} that divides {in_channels * cell}"
            )
        self.stride = stride
        self.group = in_channels * cell // out_channels
        self.conv = CausalConv3d(in_channels, out_channels // cell, causal=True)

    def forward(self, x: Float[Tensor, "b c f h w"], clip: AbstractClip) -> Float[Tensor, "b d f2 h2 w2"]:
        """Convolution plus a shortcut of averaged channels."""
        if self.stride[0] == 2 and clip.opens(self, x.shape[2]):
            x = torch.cat([x[:, :, :1], x], dim=2)
        y = space_to_depth(self.conv(x, clip), self.stride)
        folded = space_to_depth(x, self.stride)
        return accumulate(y, reduce(folded, "b (d g) f h w -> b d f h w", "mean", g=self.group))


class Upsampler(nn.Module):
    """Depth-to-space upsampler: length n becomes 2n−1 where time is expanded.

    The first frame of the doubled sequence is dropped, so that one frame stays one frame.
    """

    def __init__(self, in_channels: int, stride: Stride, *, residual: bool, multiplier: int) -> None:
        super().__init__()
        self.stride = stride
        # The shortcut has in_channels / cell channels; whole-tensor repetition brings them to the output's width.
        self.repeats = prod(stride) // multiplier if residual else 0
        self.conv = CausalConv3d(in_channels, in_channels * prod(stride) // multiplier, causal=False)

    def forward(self, x: Float[Tensor, "b c f h w"], clip: AbstractClip) -> Float[Tensor, "b d f2 h2 w2"]:
        """Convolution, then depth-to-space, plus the repeated depth-to-space of the input if residual."""
        y = self.conv(x, clip)
        frames = y.shape[2]
        drop = self.stride[0] - 1 if clip.opens(self, frames) else 0
        y = depth_to_space(y, self.stride)[:, :, drop:]
        if not self.repeats:
            return y
        shortcut = depth_to_space(clip.align(self, x, frames), self.stride)[:, :, drop:]
        return accumulate(y.unflatten(1, (self.repeats, -1)), shortcut.unsqueeze(1)).flatten(1, 2)
