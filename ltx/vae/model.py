"""The VAE as users call it: normalised latents in and out."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ltx.checkpoint.stored import StoredModule
from ltx.offload import working
from ltx.shapes import VideoShape
from ltx.vae.config import VAEConfig
from ltx.vae.decoder import Decoder
from ltx.vae.encoder import Encoder
from ltx.vae.part import VAE


class Moments(NamedTuple):
    """Mean (batch, channel, frame, height, width) and log-variance (batch, 1, …) of un-normalised latents."""

    mean: Tensor
    log_variance: Tensor

    @classmethod
    def of(cls, encoded: Tensor) -> Moments:
        """From the encoder's output: means first, the log-variance in the last channel, clamped to [−30, 20]."""
        mean, log_variance = encoded.split([encoded.shape[1] - 1, 1], dim=1)
        return cls(mean, log_variance.clamp(-30, 20))

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One draw of the diagonal Gaussian; the one log-variance is shared by all channels."""
        noise = torch.randn(self.mean.shape, generator=generator, device=self.mean.device, dtype=self.mean.dtype)
        return self.mean + noise * torch.exp(0.5 * self.log_variance)


class ChannelStatistics(nn.Module):
    """Mean and standard deviation of each latent channel over the training data, stored with the weights."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean-of-means", torch.zeros(channels))
        self.register_buffer("std-of-means", torch.ones(channels))

    def _vectors(self, like: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = self.get_buffer("mean-of-means"), self.get_buffer("std-of-means")
        return mean.to(like).view(1, -1, 1, 1, 1), std.to(like).view(1, -1, 1, 1, 1)

    def normalize(self, latents: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b c f h w"]:
        """(z − mean) / std per channel."""
        mean, std = self._vectors(latents)
        return (latents - mean) / std

    def denormalize(self, latents: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b c f h w"]:
        """Inverse of `normalize`."""
        mean, std = self._vectors(latents)
        return latents * std + mean


class VideoVAE(StoredModule):
    """Causal video autoencoder of LTX-Video (arXiv 2501.00103 §2), generations 0.9.0, 0.9.1 and 0.9.5–0.9.8."""

    part = VAE
    config_class = VAEConfig
    config: VAEConfig

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.per_channel_statistics = ChannelStatistics(config.latent_channels)

    @working
    def moments(self, video: Float[Tensor, "b 3 f h w"]) -> Moments:
        """Mean and shared log-variance of the un-normalised latents.

        Raises:
            ValueError: if the video is not 8k+1 frames of multiples of 32 pixels.
        """
        VideoShape.of(video)
        return Moments.of(self.encoder(video))

    @working
    def encode(
        self, video: Float[Tensor, "b 3 f h w"], sample: bool = False, generator: torch.Generator | None = None
    ) -> Float[Tensor, "b c f2 h2 w2"]:
        """Normalised latents of a video in [−1, 1]: the mean, or one sample of the posterior.

        Raises:
            ValueError: if the video is not 8k+1 frames of multiples of 32 pixels.
        """
        moments = self.moments(video)
        return self.per_channel_statistics.normalize(moments.sample(generator) if sample else moments.mean)

    @working
    def decode(
        self,
        latents: Float[Tensor, "b c f h w"],
        timestep: float | Float[Tensor, " b"] | None = None,
        noise_scale: float | None = None,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "b 3 f2 h2 w2"]:
        """Video of normalised latents, in about [−1, 1], not clamped.

        Args:
            latents: normalised latents.
            timestep: noise level in [0, 1] of a timestep-conditioned decoder, one for all or one per sample;
                None is 0. The releases use 0.05.
            noise_scale: share s of noise mixed in, (1−s)·z + s·ε, before decoding; None is `timestep`. The releases
                use 0.025. Generation 0.9.0 has no timestep conditioning: both are ignored.
            generator: source of that noise.
        """
        video: Tensor = self.decoder(*self.decoder_input(latents, timestep, noise_scale, generator))
        return video

    @working
    def decoder_input(
        self,
        latents: Float[Tensor, "b c f h w"],
        timestep: float | Float[Tensor, " b"] | None,
        noise_scale: float | None,
        generator: torch.Generator | None,
    ) -> tuple[Float[Tensor, "b c f h w"], Float[Tensor, " b"]]:
        """Inputs of the decoder: un-normalised latents with their noise, and the level of each sample."""
        level = torch.as_tensor(0.0 if timestep is None else timestep, dtype=latents.dtype, device=latents.device)
        level = level.expand(latents.shape[0])
        if self.config.timestep_conditioning:
            scale = level if noise_scale is None else torch.full_like(level, noise_scale)
            if bool((scale > 0).any()):
                noise = torch.randn(latents.shape, generator=generator, device=latents.device, dtype=latents.dtype)
                latents = torch.lerp(latents, noise, scale.view(-1, 1, 1, 1, 1))
        return self.per_channel_statistics.denormalize(latents), level

    def forward(self, video: Float[Tensor, "b 3 f h w"]) -> Float[Tensor, "b 3 f h w"]:
        """Reconstruction through the posterior mean."""
        return self.decode(self.encode(video))
