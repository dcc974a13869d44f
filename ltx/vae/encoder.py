"""Pixels to the moments of the latent distribution."""

from __future__ import annotations

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from ltx.vae.clip import AbstractClip, NoiseField, WholeClip
from ltx.vae.config import VAEConfig
from ltx.vae.convolution import CausalConv3d
from ltx.vae.prologue import Activation
from ltx.vae.resample import Downsampler
from ltx.vae.residual import ResidualBlock, ResidualGroup, steps


class Encoder(nn.Module):
    """Causal encoder: patchify, then the blocks of the configuration in order."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.patch_size = config.patch_size
        width = config.encoder_base_channels
        self.conv_in = CausalConv3d(3 * config.patch_size**2, width, causal=True)
        self.down_blocks = nn.ModuleList()
        for spec in config.encoder_blocks:
            block: nn.Module
            if spec.kind == "res_x":
                block = ResidualGroup(width, spec.num_layers, causal=True, timed=False, inject_noise=False)
            elif spec.kind == "res_x_y":
                block = ResidualBlock(width, width * spec.multiplier, causal=True)
            elif spec.kind.endswith("_res"):
                block = Downsampler(width, width * spec.multiplier, spec.stride)
            else:
                block = CausalConv3d(width, width * spec.multiplier, causal=True, stride=spec.stride)
            width *= spec.multiplier
            self.down_blocks.append(block)
        # One log-variance channel is shared by all latent channels.
        self.conv_out = CausalConv3d(width, config.latent_channels + 1, causal=True)

    def forward(
        self, video: Float[Tensor, "b 3 f h w"], clip: AbstractClip | None = None
    ) -> Float[Tensor, "b c_plus_1 f2 h2 w2"]:
        """Means in the first channels, the shared log-variance in the last.

        Args:
            video: pixels in [−1, 1].
            clip: where the video lies in its clip; None for a whole clip.
        """
        clip = clip or WholeClip(NoiseField())
        # The offset along the width is the slower channel index, the one along the height the faster. From here on all
        # tensors are channels-last in memory: convolutions and norms then move no data.
        x = rearrange(video, "b c f (h q) (w r) -> b f h w (c r q)", q=self.patch_size, r=self.patch_size)
        x = self.conv_in(rearrange(x, "b f h w c -> b c f h w"), clip)
        for step in steps(self.down_blocks, None, x.dtype):
            x = step(x, clip)
        moments: Tensor = self.conv_out(x, clip, Activation())
        return moments
