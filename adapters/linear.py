"""One linear map from VLM states to latents: the floor every other adapter must beat."""

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
class LinearConfig:
    """Configuration of `LinearAdapter`.

    Args:
        pairing: the models it joins.
        bandwidth: seconds, pixel rows and pixel columns over which vision tokens are averaged around a target.
    """

    pairing: Pairing
    bandwidth: tuple[float, float, float]


class LinearAdapter(AbstractAdapter):
    """ẑ = W [vision states near the target · state of the last token · seconds ahead] + b."""

    config: LinearConfig

    def __init__(self, config: LinearConfig) -> None:
        super().__init__()
        self.config = config
        self.layer_sum = LayerSum(len(config.pairing.vlm_layers))
        self.projection = nn.Linear(2 * config.pairing.vlm_hidden_size + 1, config.pairing.latent_channels)

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
        return Conditioning(forecast=LatentForecast(self.projection(torch.cat([near, said, ahead], dim=-1)), None))
