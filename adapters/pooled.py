"""Forecasts without attention: every latent token reads an average of the vision states near it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor

from adapters.base import AbstractAdapter
from adapters.model_pair import ModelPair
from adapters.reader import LayerSum, last_token, pool_near, seconds_ahead
from adapters.types import Conditioning, LatentForecast, VLMFeatures


@dataclass(frozen=True)
class PooledConfig:
    """Fields that the configurations of all pooled adapters have.

    Args:
        pairing: the models it joins.
        bandwidth: seconds, pixel rows and pixel columns over which vision tokens are averaged around a target.
    """

    pairing: ModelPair
    bandwidth: tuple[float, float, float]

    @property
    def inputs(self) -> int:
        """Channels of a token's input: states near the target, state of the last token, seconds ahead."""
        return 2 * self.pairing.vlm_hidden_size + 1


class AbstractPooledAdapter(AbstractAdapter):
    """ẑ = head[vision states near the target · state of the last token · seconds ahead], for each latent token."""

    config: PooledConfig

    def __init__(self, config: PooledConfig) -> None:
        super().__init__()
        self.config = config
        self.layer_sum = LayerSum(len(config.pairing.vlm_layers))

    @abstractmethod
    def head(self, inputs: Float[Tensor, "batch token input"]) -> Float[Tensor, "batch token channel"]:
        """Latents from the input of each token."""

    @property
    def provides(self) -> frozenset[str]:
        """A latent forecast."""
        return frozenset({"forecast"})

    def forward(self, features: VLMFeatures, targets: Float[Tensor, "batch axis=3 token"]) -> Conditioning:
        """A latent forecast without uncertainty."""
        self.pairing.check(features)
        states = self.layer_sum(features.tokens)
        near = pool_near(states, features, targets, self.config.bandwidth)
        last = repeat(last_token(states, features), "b d -> b n d", n=targets.shape[-1])
        ahead = seconds_ahead(features, targets).to(states.dtype)
        return Conditioning(forecast=LatentForecast(self.head(torch.cat([near, last, ahead], dim=-1)), None))
