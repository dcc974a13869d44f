"""Embeddings of the timestep (adaLN-single, PixArt-α arXiv 2310.00426) and of the caption."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

SINUSOID_WIDTH = 256
SINUSOID_PERIOD = 10_000.0
VECTORS = 6


def sinusoid(timesteps: Float[Tensor, "batch row"]) -> Float[Tensor, "batch row sinusoid=256"]:
    """Cosines, then sines, of timestep·10000^(−i/128), i = 0…127, in float32."""
    half = SINUSOID_WIDTH // 2
    steps = torch.arange(half, dtype=torch.float32, device=timesteps.device)
    angles = timesteps.float()[..., None] * torch.exp(steps * (-math.log(SINUSOID_PERIOD) / half))
    return torch.cat((angles.cos(), angles.sin()), dim=-1)


class TimestepMLP(nn.Module):
    """Linear, SiLU, Linear on the sinusoid of a timestep."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(SINUSOID_WIDTH, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, waves: Float[Tensor, "batch row sinusoid"]) -> Float[Tensor, "batch row width"]:
        """Embed the sinusoid, which is cast to the weights' dtype."""
        embedding: Tensor = self.linear_2(F.silu(self.linear_1(waves.to(self.linear_1.weight.dtype))))
        return embedding


class TimestepEmbedding(nn.Module):
    """Timestep to embedding e; the nesting is that of the released key names."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.timestep_embedder = TimestepMLP(width=width)

    def forward(self, timesteps: Float[Tensor, "batch row"]) -> Float[Tensor, "batch row width"]:
        """Embed timesteps that are already scaled (0…1000)."""
        embedding: Tensor = self.timestep_embedder(sinusoid(timesteps))
        return embedding


class TimestepVectors(NamedTuple):
    """Timestep conditioning of every block: one row per distinct timestep (or a single one for all tokens).

    `modulation` holds (shift, 1 + scale, gate) of self-attention, then of the feed-forward network, before a block's
    own table is added. `embedded` modulates the output head.
    """

    embedded: Float[Tensor, "batch row width"]
    modulation: Float[Tensor, "batch row vector=6 width"]


class AdaLNSingle(nn.Module):
    """One timestep embedding and one projection to six vectors, shared by all blocks."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.emb = TimestepEmbedding(width=width)
        self.linear = nn.Linear(width, VECTORS * width)

    def forward(self, timesteps: Float[Tensor, "batch row"], *, precise: bool) -> TimestepVectors:
        """Embed scaled timesteps.

        Args:
            timesteps: 0…1000.
            precise: keep the six vectors in float32 until a block's table is added, so that 1 + scale is rounded to
                the working dtype once. Free for a few rows, dear for a row per token.
        """
        embedded = self.emb(timesteps)
        modulation = self.linear(F.silu(embedded)).unflatten(-1, (VECTORS, -1))
        if precise:
            modulation = modulation.float()
        modulation[:, :, 1::3].add_(1)  # the two scales: 1 + scale costs nothing in the blocks
        return TimestepVectors(embedded, modulation)


class CaptionProjection(nn.Module):
    """Text states to the transformer's width: Linear, GELU (tanh), Linear."""

    def __init__(self, *, caption_width: int, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(caption_width, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, context: Float[Tensor, "batch length caption"]) -> Float[Tensor, "batch length width"]:
        """Project text states."""
        projected: Tensor = self.linear_2(F.gelu(self.linear_1(context), approximate="tanh"))
        return projected
