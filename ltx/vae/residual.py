"""Residual blocks, optionally modulated by the decoder's timestep and with injected noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from ltx.bare import is_bare
from ltx.vae.clip import AbstractClip
from ltx.vae.convolution import CausalConv3d
from ltx.vae.norm import ChannelLayerNorm
from ltx.vae.prologue import Activation, Modulation, accumulate
from ltx.vae.timestep import TimestepEmbedder

Step = Callable[[Tensor, AbstractClip], Tensor]
"""One block of an encoder or decoder, applied to a piece of a clip."""


class ResidualBlock(nn.Module):
    """Norm, SiLU, convolution, twice, added to the input."""

    def __init__(
        self, in_channels: int, out_channels: int, *, causal: bool, timed: bool = False, inject_noise: bool = False
    ) -> None:
        super().__init__()
        self.conv1 = CausalConv3d(in_channels, out_channels, causal=causal)
        self.conv2 = CausalConv3d(out_channels, out_channels, causal=causal)
        self.per_channel_scale1: nn.Parameter | None = None
        self.per_channel_scale2: nn.Parameter | None = None
        if inject_noise:
            self.per_channel_scale1 = nn.Parameter(torch.zeros(out_channels, 1, 1))
            self.per_channel_scale2 = nn.Parameter(torch.zeros(out_channels, 1, 1))
        self.norm3: ChannelLayerNorm | None = None
        self.conv_shortcut: nn.Conv3d | None = None
        if in_channels != out_channels:
            self.norm3 = ChannelLayerNorm(in_channels)
            self.conv_shortcut = nn.Conv3d(in_channels, out_channels, 1)
        # Small random values, as the tables of adaptive norms usually start (PixArt-α).
        self.scale_shift_table = nn.Parameter(torch.randn(4, in_channels) / in_channels**0.5) if timed else None

    def forward(
        self, x: Float[Tensor, "b c f h w"], clip: AbstractClip, embedding: Float[Tensor, "b four_c"] | None = None
    ) -> Float[Tensor, "b d f2 h w"]:
        """Apply the block; `embedding` is the group's time embedding, None without conditioning."""
        first, second = self._modulations(embedding)
        h = self.conv1(x, clip, Activation(first))
        h = _add_noise(h, self.per_channel_scale1, clip)
        extended = self.conv2.extend(h, clip, Activation(second))
        del h  # so that three tensors of this size are alive at most, not four
        h = self.conv2.convolve(extended)
        del extended
        h = _add_noise(h, self.per_channel_scale2, clip)
        x = clip.align(self, x, h.shape[2])
        if not h.shape[2]:  # a stream that has not brought enough frames yet
            return h
        if self.conv_shortcut is not None and self.norm3 is not None:
            x = _pointwise(self.conv_shortcut, self.norm3(x))
        return accumulate(h, x)

    def _modulations(self, embedding: Tensor | None) -> tuple[Modulation | None, Modulation | None]:
        if self.scale_shift_table is None or embedding is None:
            return None, None
        vectors = self.scale_shift_table + rearrange(embedding, "b (n c) -> b n c", n=4)
        shift1, scale1, shift2, scale2 = vectors[..., None, None, None].unbind(1)
        return Modulation(shift1, scale1), Modulation(shift2, scale2)


def _pointwise(convolution: nn.Conv3d, x: Tensor) -> Tensor:
    """A 1×1×1 convolution as the matrix product it is; torch's convolution would leave the channels-last layout."""
    if not is_bare(convolution, nn.Conv3d):
        called: Tensor = convolution(x)
        return called
    last = F.linear(rearrange(x, "b c f h w -> b f h w c"), convolution.weight.flatten(1), convolution.bias)
    return rearrange(last, "b f h w c -> b c f h w")


def _add_noise(x: Tensor, scale: nn.Parameter | None, clip: AbstractClip) -> Tensor:
    """One normal map, shared by batch, channels and frames, weighted per channel (StyleGAN)."""
    if scale is None:
        return x
    return accumulate(x, (clip.noise.map(scale, x) * scale)[None, :, None])


class ResidualGroup(nn.Module):
    """Equal-width residual blocks that share one time embedding (`res_x`)."""

    def __init__(self, channels: int, layers: int, *, causal: bool, timed: bool, inject_noise: bool) -> None:
        super().__init__()
        self.time_embedder = TimestepEmbedder(4 * channels) if timed else None
        self.res_blocks = nn.ModuleList(
            ResidualBlock(channels, channels, causal=causal, timed=timed, inject_noise=inject_noise)
            for _ in range(layers)
        )

    def steps(self, timestep: Float[Tensor, " b"] | None, dtype: torch.dtype) -> Iterator[Step]:
        """The blocks in order, knowing their time embedding; `timestep` is already scaled."""
        embedding = None
        if self.time_embedder is not None and timestep is not None:
            embedding = self.time_embedder(timestep, dtype)
        for block in self.res_blocks:
            yield partial(block, embedding=embedding)


def steps(blocks: Iterable[nn.Module], timestep: Float[Tensor, " b"] | None, dtype: torch.dtype) -> Iterator[Step]:
    """All blocks of an encoder or decoder in order, groups taken apart.

    Steps and not calls of the groups, so that nobody holds on to a group's input while its blocks run.
    """
    for block in blocks:
        if isinstance(block, ResidualGroup):
            yield from block.steps(timestep, dtype)
        else:
            yield block
