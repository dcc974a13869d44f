"""A perceptron for each latent token: as far as pooling goes without attention."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from adapters.pooled import AbstractPooledAdapter, PooledConfig


@dataclass(frozen=True)
class MLPConfig(PooledConfig):
    """Configuration of `MLPAdapter`.

    Args:
        width: hidden channels.
    """

    width: int


class MLPAdapter(AbstractPooledAdapter):
    """ẑ from the inputs of the linear baseline, through two hidden layers, so that time and content may interact."""

    config: MLPConfig

    def __init__(self, config: MLPConfig) -> None:
        super().__init__(config)
        self.network = nn.Sequential(
            nn.Linear(config.inputs, config.width),
            nn.GELU(),
            nn.Linear(config.width, config.width),
            nn.GELU(),
            nn.Linear(config.width, config.pairing.latent_channels),
        )

    def head(self, inputs: Float[Tensor, "batch token input"]) -> Float[Tensor, "batch token channel"]:
        """The perceptron."""
        latents: Tensor = self.network(inputs)
        return latents
