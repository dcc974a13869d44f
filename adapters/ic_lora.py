"""In-context conditioning: VLM features as reference tokens of the video sequence, and a LoRA that reads them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor, nn

from adapters.base import AbstractAdapter
from adapters.lora import LoRAConfig, LowRankUpdates
from adapters.reader import FeatureReader
from adapters.resampler import Resampler, ResamplerConfig
from adapters.types import Conditioning, ReferenceChanges, VLMFeatures
from ltx.shapes import SPACE

LENGTHS_AFTER = 2.0
"""Lengths of a clip by which reference tokens follow what they are copies of: beyond all that is predicted."""


@dataclass(frozen=True)
class ICLoRAConfig(ResamplerConfig):
    """Configuration of `ICLoRAAdapter`.

    Args:
        timestep: noise level σ in [0, 1] of the reference tokens for the transformer.
        lora: the low-rank updates of the transformer.
    """

    timestep: float
    lora: LoRAConfig


class ICLoRAAdapter(AbstractAdapter):
    """One reference token per place of a latent frame: the given latent there, changed by the VLM features.

    The places attend to the VLM's tokens in one rotary space of seconds and pixels. Changes and low-rank updates start
    at zero: at first the transformer sees the last given frame once more, at a time behind the clip, and only the
    attention that falls on the copy differs from the video model alone. The time lets the updates tell the copy apart.
    """

    config: ICLoRAConfig

    def __init__(self, config: ICLoRAConfig) -> None:
        super().__init__()
        if not 0 <= config.timestep <= 1:
            raise ValueError(f"expected a timestep of the reference tokens in [0, 1], got {config.timestep}")
        self.config = config
        self.reader = FeatureReader(pairing=config.pairing, width=config.width)
        self.query = nn.Parameter(torch.randn(config.width) * 0.02)
        self.blocks = Resampler(config)
        self.norm = nn.RMSNorm(config.width, eps=1e-6)
        self.out = nn.Linear(config.width, config.pairing.latent_channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.lora = LowRankUpdates(config.lora)

    @property
    def provides(self) -> frozenset[str]:
        """Reference tokens."""
        return frozenset({"reference"})

    def forward(self, features: VLMFeatures, targets: Float[Tensor, "batch axis=3 token"]) -> Conditioning:
        """Changes of the given latents nearest to the first frame of the targets, which are all on one grid."""
        memory = self.reader(features)
        places = targets[:, :, targets[0, 0] == targets[0, 0].min()]
        centre = places + places.new_tensor([0.0, SPACE / 2, SPACE / 2])[:, None]
        x = repeat(self.query, "d -> b n d", b=len(features), n=places.shape[2])
        changes = self.out(self.norm(self.blocks(x, centre, memory)))
        time_offset = LENGTHS_AFTER * self.config.extent[0]
        return Conditioning(reference=ReferenceChanges(changes, places, self.config.timestep, time_offset))
