"""Latents to pixels, as the last denoising step where the release conditions the decoder on a timestep."""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from ltx.vae.clip import AbstractClip, NoiseField, WholeClip
from ltx.vae.config import VAEConfig
from ltx.vae.convolution import CausalConv3d
from ltx.vae.prologue import Activation, Modulation
from ltx.vae.resample import Upsampler
from ltx.vae.residual import ResidualBlock, ResidualGroup, steps
from ltx.vae.timestep import TimestepEmbedder


class Decoder(nn.Module):
    """Non-causal decoder: the configuration's blocks from the last to the first, then unpatchify."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.patch_size = config.patch_size
        timed = config.timestep_conditioning
        width = config.decoder_width
        self.conv_in = CausalConv3d(config.latent_channels, width, causal=False)
        self.up_blocks = nn.ModuleList()
        for spec in reversed(config.decoder_blocks):
            block: nn.Module
            if spec.kind == "res_x":
                block = ResidualGroup(width, spec.num_layers, causal=False, timed=timed, inject_noise=spec.inject_noise)
            elif spec.kind == "res_x_y":
                block = ResidualBlock(width, width // spec.multiplier, causal=False)
            else:
                block = Upsampler(width, spec.stride, residual=spec.residual, multiplier=spec.multiplier)
            width //= spec.multiplier
            self.up_blocks.append(block)
        self.conv_out = CausalConv3d(width, 3 * config.patch_size**2, causal=False)
        self.last_time_embedder: TimestepEmbedder | None = None
        if timed:
            # A number of the checkpoint, not of the training: stored beside the weights, never updated.
            self.timestep_scale_multiplier = nn.Parameter(torch.tensor(1000.0), requires_grad=False)
            self.last_time_embedder = TimestepEmbedder(2 * width)
            self.last_scale_shift_table = nn.Parameter(torch.randn(2, width) / width**0.5)

    def forward(
        self, latents: Float[Tensor, "b c f h w"], timestep: Float[Tensor, " b"], clip: AbstractClip | None = None
    ) -> Float[Tensor, "b 3 f2 h2 w2"]:
        """Decode un-normalised latents.

        Args:
            latents: un-normalised latents.
            timestep: noise level in [0, 1] per sample, unused without conditioning.
            clip: where the latents lie in their clip; None for a whole clip.
        """
        clip = clip or WholeClip(NoiseField())
        scaled = None
        if self.last_time_embedder is not None:
            scaled = timestep.to(latents.dtype) * self.timestep_scale_multiplier.to(latents.dtype)
        x = self.conv_in(latents.contiguous(memory_format=torch.channels_last_3d), clip)
        for step in steps(self.up_blocks, scaled, latents.dtype):
            x = step(x, clip)
        modulation = None
        if self.last_time_embedder is not None and scaled is not None:
            embedding = rearrange(self.last_time_embedder(scaled, x.dtype), "b (n c) -> b n c", n=2)
            vectors = self.last_scale_shift_table + embedding
            modulation = Modulation(*vectors[..., None, None, None].unbind(1))
        # One name, so that what came in is freed before the pixels are put in order.
        x = self.conv_out(x, clip, Activation(modulation))
        video: Tensor = rearrange(x, "b (c r q) f h w -> b c f (h q) (w r)", q=self.patch_size, r=self.patch_size)
        return video
