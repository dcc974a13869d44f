"""Blocks that the adapters share: attention over placed tokens, feed-forward, and their residual stack."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from adapters.rotary import SharedRotary
from ltx.attend import attend


@dataclass(frozen=True)
class PlacedTokens:
    """Tokens to attend to.

    Args:
        states: one row per token.
        mask: True for tokens that exist.
        coordinates: seconds, pixel rows and pixel columns.
        placed: True for tokens whose coordinates mean something.
    """

    states: Float[Tensor, "batch token width"]
    mask: Bool[Tensor, "batch token"]
    coordinates: Float[Tensor, "batch axis=3 token"]
    placed: Bool[Tensor, "batch token"]


class PlacedAttention(nn.Module):
    """Attention in which place enters as shared rotary coordinates and content as queries, keys and values.

    A learned key and value stand beside the tokens, so that attending to nothing is possible and a clip without
    tokens gives no NaN. Queries and keys are RMS-normalised per head.

    Args:
        width: channels in and out.
        heads: number of heads; width / heads must be a multiple of 8.
        rotary: the rotation.
    """

    def __init__(self, *, width: int, heads: int, rotary: SharedRotary) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"expected a width divisible by {heads} heads, got {width}")
        self.heads = heads
        self.rotary = rotary
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.query_norm = nn.RMSNorm(width // heads, eps=1e-6)
        self.key_norm = nn.RMSNorm(width // heads, eps=1e-6)
        self.nothing = nn.Parameter(torch.zeros(2, heads, width // heads))
        self.out = nn.Linear(width, width)

    def forward(
        self,
        x: Float[Tensor, "batch query width"],
        coordinates: Float[Tensor, "batch axis=3 query"],
        memory: PlacedTokens,
    ) -> Float[Tensor, "batch query width"]:
        """Gather the memory into each query."""
        query = self.query_norm(rearrange(self.query(x), "b n (h d) -> b h n d", h=self.heads))
        key, value = rearrange(self.key_value(memory.states), "b n (two h d) -> two b h n d", two=2, h=self.heads)
        key = self.key_norm(key)

        # Turn by place; keys without a place are compared by content only.
        query = self.rotary.rotate(query, self.rotary.angles(coordinates))
        turned, content = self.rotary.split(self.rotary.rotate(key, self.rotary.angles(memory.coordinates)))
        key = torch.cat([turned * memory.placed[:, None, :, None], content], dim=-1)

        # The key of "nothing" has no place either.
        nothing_key, nothing_value = self.nothing[:, None, :, None].expand(-1, x.shape[0], -1, -1, -1)
        turned, content = self.rotary.split(nothing_key)
        key = torch.cat([torch.cat([turned * 0, content], dim=-1), key], dim=2)
        value = torch.cat([nothing_value, value], dim=2)
        mask = torch.cat([memory.mask.new_ones(x.shape[0], 1), memory.mask], dim=1)[:, None, None]

        gathered = attend(query, key, value, mask)
        mixed: Tensor = self.out(rearrange(gathered, "b h n d -> b n (h d)"))
        return mixed


class ResamplerBlock(nn.Module):
    """Pre-norm block: queries attend to each other, then to the features, then pass a feed-forward layer.

    Args:
        width: channels of the queries and of the features.
        heads: number of attention heads.
        rotary: the rotation that both attentions share.
    """

    def __init__(self, *, width: int, heads: int, rotary: SharedRotary) -> None:
        super().__init__()
        self.self_norm = nn.RMSNorm(width, eps=1e-6)
        self.self_attention = PlacedAttention(width=width, heads=heads, rotary=rotary)
        self.cross_norm = nn.RMSNorm(width, eps=1e-6)
        self.cross_attention = PlacedAttention(width=width, heads=heads, rotary=rotary)
        self.feed_forward = nn.Sequential(
            nn.RMSNorm(width, eps=1e-6), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(
        self,
        x: Float[Tensor, "batch query width"],
        coordinates: Float[Tensor, "batch axis=3 query"],
        memory: PlacedTokens,
    ) -> Float[Tensor, "batch query width"]:
        """Refined queries."""
        everywhere = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        peers = PlacedTokens(self.self_norm(x), everywhere, coordinates, everywhere)
        x = x + self.self_attention(peers.states, coordinates, peers)
        x = x + self.cross_attention(self.cross_norm(x), coordinates, memory)
        transformed: Tensor = x + self.feed_forward(x)
        return transformed
