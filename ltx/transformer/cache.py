"""Step-invariant inputs of a sampling run, computed once: positions, text, and all that blocks make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ltx.transformer.attention import KeysValues
from ltx.transformer.block import PreparedBlock
from ltx.transformer.groups import TimestepGroups
from ltx.transformer.perturb import take_rows

MASKED = -10_000.0
"""Added to the logits of text tokens left out. Finite, as released: a row without any token attends evenly."""


@dataclass(frozen=True)
class PreparedBlocks:
    """Step-invariant inputs of all blocks: of the text, and of their own weights.

    Attributes:
        memories: for each block its keys and values of the text.
        tables: to be added to the timesteps' part, of all blocks at once where the rows are few.
        norms: weights of the query and key norms of each block's self-attention.
    """

    memories: tuple[KeysValues, ...]
    tables: Float[Tensor, "layer vector=6 width"]
    norms: Float[Tensor, "layer part=2 1 1 width"]

    def at(self, index: int, vectors: Float[Tensor, "layer batch row vector=6 width"] | None) -> PreparedBlock:
        """One block's, with its vectors of the step where those of all blocks are at hand."""
        return PreparedBlock(self.memories[index], self.norms[index], None if vectors is None else vectors[index])

    def take(self, rows: Sequence[int] | None) -> PreparedBlocks:
        """The same for these batch rows (None: all)."""
        memories = tuple(KeysValues(*(take_rows(part, rows) for part in memory)) for memory in self.memories)
        return PreparedBlocks(memories, self.tables, self.norms)


@dataclass(frozen=True)
class SamplingCache:
    """Positions and text, ready for the blocks.

    Attributes:
        rotation: cosine and sine per token and channel pair; one batch row when all share their coordinates.
        text: projected to the transformer's width.
        bias: added to the cross-attention logits; None when every text token is kept.
        blocks: what is prepared of them; None if each block computes its own in every step.
        groups: which tokens share a timestep; None if each step is to find out.
    """

    rotation: Float[Tensor, "#batch token pair part=2"]
    text: Float[Tensor, "#batch length width"]
    bias: Float[Tensor, "#batch 1 1 length"] | None
    blocks: PreparedBlocks | None
    groups: TimestepGroups | None

    def take(self, rows: Sequence[int] | None) -> SamplingCache:
        """The cache of these batch rows (None: all); consecutive rows are views."""
        return SamplingCache(
            rotation=take_rows(self.rotation, rows),
            text=take_rows(self.text, rows),
            bias=None if self.bias is None else take_rows(self.bias, rows),
            blocks=None if self.blocks is None else self.blocks.take(rows),
            groups=None if self.groups is None else self.groups.take(rows),
        )


def attention_bias(
    mask: Bool[Tensor, "batch length"] | None, dtype: torch.dtype
) -> Float[Tensor, "batch 1 1 length"] | None:
    """Zero for kept text tokens and −10000 for the others, over all heads and queries; None for no mask."""
    if mask is None:
        return None
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, MASKED)[:, None, None]


def compact(
    context: Float[Tensor, "batch length caption"], mask: Bool[Tensor, "batch length"] | None
) -> tuple[Float[Tensor, "batch kept caption"], Bool[Tensor, "batch kept"] | None]:
    """Drop text tokens that no batch row keeps, and the mask if every token left is kept by all rows.

    Exact: a masked token's weight underflows to zero beside any kept one. So nothing is dropped if a row keeps none.
    Reads the mask's values, so it belongs outside compiled or captured code.
    """
    if mask is None:
        return context, None
    if bool(mask.any(dim=1).all()):
        kept = mask.any(dim=0)
        context, mask = context[:, kept], mask[:, kept]
    return context, None if bool(mask.all()) else mask
