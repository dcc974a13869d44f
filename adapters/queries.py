"""Learned queries that gather VLM states into tokens for the transformer's cross-attention."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor, nn

from adapters.base import AbstractAdapter
from adapters.reader import FeatureReader
from adapters.resampler import Resampler, ResamplerConfig
from adapters.types import Conditioning, ContextTokens, Placement, VLMFeatures


@dataclass(frozen=True)
class QueriesConfig(ResamplerConfig):
    """Configuration of `QueriesAdapter`; the queries' places spread over its `extent` at the start.

    Args:
        queries: number of context tokens.
        placement: how the tokens meet the text's. "add" starts with the video model unchanged.
    """

    queries: int
    placement: Placement


class QueriesAdapter(AbstractAdapter):
    """Queries, each with a learned place in seconds and pixels, read the features; a gate scales the tokens they make.

    With placement "add" the gate starts at zero: the context equals the text's, bit for bit, until the first step.
    """

    config: QueriesConfig

    def __init__(self, config: QueriesConfig) -> None:
        super().__init__()
        if config.placement not in ("add", "append", "replace"):
            raise ValueError(f"expected placement add, append or replace, got {config.placement!r}")
        self.config = config
        self.reader = FeatureReader(pairing=config.pairing, width=config.width)
        self.queries = nn.Parameter(torch.randn(config.queries, config.width) * 0.02)
        # A low-discrepancy spread: each axis steps by another power of the plastic number's inverse.
        steps = torch.tensor([0.8191725, 0.6710436, 0.5497005])[:, None] * torch.arange(1, config.queries + 1)
        self.places = nn.Parameter(steps % 1)
        self.blocks = Resampler(config)
        self.norm = nn.RMSNorm(config.width, eps=1e-6)
        self.out = nn.Linear(config.width, config.pairing.caption_channels)
        start = 0.0 if config.placement == "add" else 1.0
        self.gate = nn.Parameter(torch.full((config.pairing.caption_channels,), start))

    @property
    def replaces_text(self) -> bool:
        """If they are placed so."""
        return self.config.placement == "replace"

    @property
    def provides(self) -> frozenset[str]:
        """Context tokens."""
        return frozenset({"context"})

    def forward(self, features: VLMFeatures, targets: Float[Tensor, "batch axis=3 token"]) -> Conditioning:
        """Context tokens; the targets' places do not matter here."""
        memory = self.reader(features)
        batch = len(features)
        extent = torch.tensor(self.config.extent, device=self.places.device)[:, None]
        places = repeat(self.places * extent, "a q -> b a q", b=batch)
        x = self.blocks(repeat(self.queries, "q d -> b q d", b=batch), places, memory)
        tokens = self.out(self.norm(x)) * self.gate
        mask = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        return Conditioning(context=ContextTokens(tokens, mask, self.config.placement))
