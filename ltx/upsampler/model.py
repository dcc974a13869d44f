"""Doubles the size of latents, in space, in time or both, between the passes of multi-scale generation."""

from __future__ import annotations

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from ltx.checkpoint.stored import StoredModule
from ltx.offload import working
from ltx.upsampler.config import GROUPS, UpsamplerConfig
from ltx.upsampler.part import UPSAMPLER


class ResidualBlock(nn.Module):
    """Two convolutions with group norms; the activation follows the addition."""

    def __init__(self, *, channels: int, dims: int) -> None:
        super().__init__()
        self.conv1 = _convolution(dims, channels, channels)
        self.norm1 = nn.GroupNorm(GROUPS, channels)
        self.conv2 = _convolution(dims, channels, channels)
        self.norm2 = nn.GroupNorm(GROUPS, channels)

    def forward(self, x: Float[Tensor, "batch channel *size"]) -> Float[Tensor, "batch channel *size"]:
        """SiLU(x + norm(conv(SiLU(norm(conv(x))))))."""
        h = F.silu(self.norm1(self.conv1(x)))
        return F.silu(x + self.norm2(self.conv2(h)))


class LatentUpsampler(StoredModule):
    """Convolutional upsampler of un-normalised latents (un-normalise, upsample, normalise again).

    Frames are not causal here, and padding is zeros. Parameter names are those of the released files.
    """

    part = UPSAMPLER
    config_class = UpsamplerConfig
    config: UpsamplerConfig

    def __init__(self, config: UpsamplerConfig) -> None:
        super().__init__()
        self.config = config
        dims, width = config.dims, config.mid_channels
        self.initial_conv = _convolution(dims, config.in_channels, width)
        self.initial_norm = nn.GroupNorm(GROUPS, width)
        self.res_blocks = _stage(config)
        time, rows, columns = config.factors
        # Space alone is upsampled frame by frame; the released files have a two-dimensional convolution there.
        shuffled_dims = 3 if config.temporal_upsample else 2
        self.upsampler = nn.Sequential(_convolution(shuffled_dims, width, width * time * rows * columns))
        self.post_upsample_res_blocks = _stage(config)
        self.final_conv = _convolution(dims, width, config.in_channels)

    @working
    def forward(
        self, latents: Float[Tensor, "batch channel frame height width"]
    ) -> Float[Tensor, "batch channel new_frame new_height new_width"]:
        """Larger latents: 2h × 2w in space, 2f − 1 in time, as the configuration says.

        Raises:
            ValueError: if the latents do not have the configured channels.
        """
        if latents.ndim != 5 or latents.shape[1] != self.config.in_channels:
            raise ValueError(
                f"expected latents (batch, {self.config.in_channels}, frames, height, width), "
                f"got {tuple(latents.shape)}"
            )
        batch = latents.shape[0]
        flat = self.config.dims == 2
        x = _to_frames(latents) if flat else latents
        x = F.silu(self.initial_norm(self.initial_conv(x)))
        for block in self.res_blocks:
            x = block(x)
        x = self._upsample(_from_frames(x, batch) if flat else x)
        x = _to_frames(x) if flat else x
        for block in self.post_upsample_res_blocks:
            x = block(x)
        x = self.final_conv(x)
        return _from_frames(x, batch) if flat else x

    def _upsample(self, x: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b c f2 h2 w2"]:
        """Convolution to more channels, and channels to positions."""
        time, rows, columns = self.config.factors
        if not self.config.temporal_upsample:
            wide: Tensor = self.upsampler(_to_frames(x))
            return rearrange(wide, "(b f) (c p q) h w -> b c f (h p) (w q)", b=x.shape[0], p=rows, q=columns)
        wide = self.upsampler(x)
        x = rearrange(wide, "b (c t p q) f h w -> b c (f t) (h p) (w q)", t=time, p=rows, q=columns)
        # The first latent frame holds one pixel frame, not eight: it doubles into itself, and its copy goes.
        return x[:, :, 1:]


def _convolution(dims: int, in_channels: int, out_channels: int) -> nn.Conv2d | nn.Conv3d:
    """Kernel 3, padded with zeros to keep the size."""
    kind = nn.Conv2d if dims == 2 else nn.Conv3d
    return kind(in_channels, out_channels, kernel_size=3, padding=1)


def _stage(config: UpsamplerConfig) -> nn.ModuleList:
    return nn.ModuleList(
        ResidualBlock(channels=config.mid_channels, dims=config.dims) for _ in range(config.num_blocks_per_stage)
    )


def _to_frames(x: Float[Tensor, "b c f h w"]) -> Float[Tensor, "bf c h w"]:
    return rearrange(x, "b c f h w -> (b f) c h w")


def _from_frames(x: Float[Tensor, "bf c h w"], batch: int) -> Float[Tensor, "b c f h w"]:
    return rearrange(x, "(b f) c h w -> b c f h w", b=batch)
