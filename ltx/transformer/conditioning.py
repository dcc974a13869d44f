"""Conditioning of the blocks on the timesteps of one step: few rows for many tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ltx.transformer.groups import TimestepGroups
from ltx.transformer.perturb import take_rows

STACKED_ROWS = 64
"""Up to this many rows the tables of all blocks are added at once; more sums would take as much room as the tokens."""


@dataclass(frozen=True)
class StepConditioning:
    """One row for each group of tokens that share a timestep.

    Attributes:
        embedded: the timestep's embedding, for the output head.
        modulation: shift, 1 + scale and gate of self-attention, then of the feed-forward network; what the timestep
            adds to every block's own table.
        summed: modulation and table of each block in the working dtype; None if the blocks are to add them.
        groups: which tokens a row is for; None for one row in all, or a row for each token.
    """

    embedded: Float[Tensor, "batch row width"]
    modulation: Float[Tensor, "batch row vector=6 width"]
    summed: Float[Tensor, "layer batch row vector=6 width"] | None
    groups: TimestepGroups | None

    @classmethod
    def of(
        cls,
        embedded: Float[Tensor, "batch row width"],
        modulation: Float[Tensor, "batch row vector=6 width"],
        tables: Float[Tensor, "layer vector=6 width"] | None,
        groups: TimestepGroups | None,
    ) -> StepConditioning:
        """With the sums, where the tables of all blocks are at hand and the rows are few."""
        summed = None
        if tables is not None and modulation.shape[0] * modulation.shape[1] <= STACKED_ROWS:
            summed = (tables[:, None, None] + modulation).to(embedded.dtype)
        return cls(embedded, modulation, summed, groups)

    @property
    def members(self) -> Int[Tensor, " flat_token"] | None:
        """For each token of the batch its row among all rows; None where rows broadcast."""
        return None if self.groups is None else self.groups.flat(self.embedded.shape[0])

    def take(self, rows: Sequence[int] | None) -> StepConditioning:
        """The conditioning of these batch rows; consecutive rows are views."""
        return StepConditioning(
            embedded=take_rows(self.embedded, rows),
            modulation=take_rows(self.modulation, rows),
            summed=None if self.summed is None else take_rows(self.summed.transpose(0, 1), rows).transpose(0, 1),
            groups=None if self.groups is None else self.groups.take(rows),
        )


def for_tokens(
    vectors: Float[Tensor, "batch row vector width"], members: Int[Tensor, " flat_token"] | None, count: int
) -> tuple[Tensor, ...]:
    """The vectors one by one, for `modulate` and `add_gated`.

    Args:
        vectors: a few for each row.
        members: the row of each token; None if the rows are for stretches of equal length, in order.
        count: tokens.

    Returns:
        (batch, column, width), where one column broadcasts, or (batch, stretch, 1, width).
    """
    if members is not None:
        vectors = vectors.flatten(0, 1).index_select(0, members).unflatten(0, (vectors.shape[0], count))
    elif vectors.shape[1] not in (1, count):
        vectors = vectors[:, :, None]
    return vectors.unbind(-2)


def modulate(normed: Float[Tensor, "batch token width"], shift: Tensor, scale: Tensor) -> Tensor:
    """Normed tokens · scale + shift; `scale` includes its 1."""
    return torch.addcmul(shift, _stretches(normed, scale), scale).reshape(normed.shape)


def add_gated(stream: Float[Tensor, "batch token width"], update: Tensor, gate: Tensor) -> Tensor:
    """Stream + gate · update."""
    return torch.addcmul(_stretches(stream, gate), _stretches(update, gate), gate).reshape(stream.shape)


def _stretches(tokens: Float[Tensor, "batch token width"], vector: Tensor) -> Tensor:
    """Tokens as a vector from `for_tokens` broadcasts over them: a view."""
    return tokens if vector.ndim == tokens.ndim else tokens.unflatten(1, (vector.shape[1], -1))
