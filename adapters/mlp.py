"""A perceptron per latent token: what pooling can do without attention."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor, nn

from adapters.base import AbstractAdapter
from adapters.pairing import Pairing
from adapters.reader import LayerSum, last_token, pool_near, seconds_ahead
from adapters.types import Conditioning, LatentForecast, VLMFeatures


@dataclass(frozen=True)
class MLPConfig:
    """Configuration of `MLPAdapter`.

    Args:
        pairing: the models it joins.
        bandwidth: seconds, pixel rows and pixel columns over which vision tokens are averaged around a target.
        width: hidden channels.
    """

    pairing: Pairing
    bandwidth: tuple[float, float, float]
    width: int


class MLPAdapter(AbstractAdapter):
    """ẑ from the same inputs as the linear floor, through two hidden layers, so that time and content may interact."""

    config: MLPConfig

    def __init__(self, config: MLPConfig) -> None:
        super().__init__()
        self.config = config
        self.layer_sum = LayerSum(len(config.pairing.vlm_layers))
        self.network = nn.Sequential(
            nn.Linear(2 * config.pairing.vlm_hidden_size + 1, config.width),
            nn.GELU(),
            nn.Linear(config.width, config.width),
            nn.GELU(),
            nn.Linear(config.width, config.pairing.latent_channels),
        )

    @property
    def pairing(self) -> Pairing:
        """The models this adapter joins."""
        return self.config.pairing

    @property
    def provides(self) -> frozenset[str]:
        """A latent forecast."""
        return frozenset({"forecast"})

    def forward(self, features: VLMFeatures, targets: Float[Tensor, "batch axis=3 token"]) -> Conditioning:
        """A latent forecast without uncertainty."""
        self.pairing.check(features)
        states = self.layer_sum(features.tokens)
        near = pool_near(states, features, targets, self.config.bandwidth)
        said = repeat(last_token(states, features), "b d -> b n d", n=targets.shape[-1])
        ahead = seconds_ahead(features, targets).to(states.dtype)
        return Conditioning(forecast=LatentForecast(self.network(torch.cat([near, said, ahead], dim=-1)), None))
