"""Embedding of the decoder's noise level."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

FREQUENCIES = 128


class TimestepEmbedder(nn.Module):
    """Sinusoid of 256 values (cosines first) through a two-layer MLP."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.timestep_embedder = nn.ModuleDict(
            {"linear_1": nn.Linear(2 * FREQUENCIES, width), "linear_2": nn.Linear(width, width)}
        )

    def forward(self, timestep: Float[Tensor, " b"], dtype: torch.dtype) -> Float[Tensor, "b width"]:
        """Embed a scaled timestep (0–1000); the sinusoid is float32, the MLP runs in `dtype`."""
        index = torch.arange(FREQUENCIES, dtype=torch.float32, device=timestep.device)
        angle = timestep.float()[:, None] * torch.exp(-math.log(10_000) * index / FREQUENCIES)
        sinusoid = torch.cat([angle.cos(), angle.sin()], dim=-1).to(dtype)
        layers = self.timestep_embedder
        embedding: Tensor = layers["linear_2"](F.silu(layers["linear_1"](sinusoid)))
        return embedding
