"""The stack by which queries gather placed tokens, and the sizes that all adapters with one have in common."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from adapters.layers import PlacedTokens, ResamplerBlock
from adapters.model_pair import ModelPair
from adapters.rotary import SharedRotary


@dataclass(frozen=True)
class ResamplerConfig:
    """Fields that the configurations of all adapters with a resampler have.

    Args:
        pairing: the models it joins.
        width: channels inside.
        heads: attention heads; width / heads is a multiple of 8.
        depth: number of blocks.
        extent: seconds, pixel rows and pixel columns of the clips it is made for.
    """

    pairing: ModelPair
    width: int
    heads: int
    depth: int
    extent: tuple[float, float, float]


class Resampler(nn.ModuleList):
    """Blocks one after the other, which share one rotary space of seconds and pixels."""

    def __init__(self, config: ResamplerConfig) -> None:
        rotary = SharedRotary(head_dim=config.width // config.heads, extent=config.extent)
        super().__init__(
            ResamplerBlock(width=config.width, heads=config.heads, rotary=rotary) for _ in range(config.depth)
        )

    def forward(
        self,
        queries: Float[Tensor, "batch query width"],
        coordinates: Float[Tensor, "batch axis=3 query"],
        memory: PlacedTokens,
    ) -> Float[Tensor, "batch query width"]:
        """Queries that have read the memory from their places."""
        for block in self:
            queries = block(queries, coordinates, memory)
        return queries
