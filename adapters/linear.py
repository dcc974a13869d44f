"""One linear map from VLM states to latents: the baseline that every other adapter must beat."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from adapters.pooled import AbstractPooledAdapter, PooledConfig


@dataclass(frozen=True)
class LinearConfig(PooledConfig):
    """Configuration of `LinearAdapter`."""


class LinearAdapter(AbstractPooledAdapter):
    """ẑ = W [vision states near the target · state of the last token · seconds ahead] + b."""

    config: LinearConfig

    def __init__(self, config: LinearConfig) -> None:
        super().__init__(config)
        self.projection = nn.Linear(config.inputs, config.pairing.latent_channels)

    def head(self, inputs: Float[Tensor, "batch token input"]) -> Float[Tensor, "batch token channel"]:
        """The linear map."""
        latents: Tensor = self.projection(inputs)
        return latents
