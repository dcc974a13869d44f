"""Spatial resampler: the latent grid asks the VLM what will be at each place, and how sure it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from adapters.base import AbstractAdapter
from adapters.layers import PlacedTokens
from adapters.reader import FeatureReader
from adapters.resampler import Resampler, ResamplerConfig
from adapters.types import Conditioning, LatentForecast, VLMFeatures
from ltx.shapes import SPACE

# Octaves of the Fourier features by which a query knows its own place.
OCTAVES = 6


@dataclass(frozen=True)
class LatentConfig(ResamplerConfig):
    """Configuration of `LatentAdapter`.

    Args:
        geometry: False takes the vision tokens' coordinates away, as an ablation of shared rotary attention.
    """

    geometry: bool


class LatentAdapter(AbstractAdapter):
    """Latent-grid queries attend to vision tokens in one rotary space of seconds and pixels → ẑ and log-variance.

    Only differences of place enter: shifting clip and targets together changes nothing. The output layer starts at
    zero, i.e. at the forecast N(0, 1), which is right for normalised latents of which nothing is known.
    """

    config: LatentConfig

    def __init__(self, config: LatentConfig) -> None:
        super().__init__()
        self.config = config
        self.reader = FeatureReader(pairing=config.pairing, width=config.width)
        self.place = nn.Sequential(
            nn.Linear(3 * 2 * OCTAVES, config.width), nn.GELU(), nn.Linear(config.width, config.width)
        )
        self.blocks = Resampler(config)
        self.norm = nn.RMSNorm(config.width, eps=1e-6)
        self.out = nn.Linear(config.width, 2 * config.pairing.latent_channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    @property
    def provides(self) -> frozenset[str]:
        """A latent forecast."""
        return frozenset({"forecast"})

    def forward(self, features: VLMFeatures, targets: Float[Tensor, "batch axis=3 token"]) -> Conditioning:
        """A latent forecast with its log-variance."""
        memory = self.reader(features)
        # A latent token is placed by its corner, a vision token by its centre: compare centres.
        centre = targets + targets.new_tensor([0.0, SPACE / 2, SPACE / 2])[:, None]
        x = self.place(self._relative_place(centre, memory))
        if not self.config.geometry:
            centre = torch.zeros_like(centre)
            memory = PlacedTokens(
                memory.states, memory.mask, torch.zeros_like(memory.coordinates), torch.zeros_like(memory.placed)
            )
        mean, log_variance = self.out(self.norm(self.blocks(x, centre, memory))).chunk(2, dim=-1)
        return Conditioning(forecast=LatentForecast(mean, log_variance))

    def _relative_place(
        self, centre: Float[Tensor, "batch axis=3 token"], memory: PlacedTokens
    ) -> Float[Tensor, "batch token feature"]:
        """Fourier features of each target's place, seen from the first thing the VLM saw."""
        seen = memory.coordinates.masked_fill(~memory.placed[:, None], torch.finfo(torch.float32).max)
        extent = centre.new_tensor(self.config.extent)[:, None]
        relative = (centre - seen.amin(dim=-1, keepdim=True)) / extent
        octaves = math.pi * 2.0 ** torch.arange(OCTAVES, device=centre.device, dtype=torch.float32) / 2
        angles = relative[..., None] * octaves
        waves = torch.stack([angles.sin(), angles.cos()])
        return rearrange(waves, "two b a n o -> b n (two a o)").to(memory.states.dtype)
