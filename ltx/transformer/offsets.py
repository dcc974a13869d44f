"""Vectors added to the timestep embedding of tokens: a condition in the modulation of every block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ltx.transformer.groups import TimestepGroups
from ltx.transformer.perturb import take_rows


@dataclass(frozen=True)
class EmbeddingOffsets:
    """A few vectors, and which of them each token takes: those of one moment mostly share theirs.

    They reach the blocks and the output head as the timestep does, through adaLN's projection. So actions condition
    the world model DIAMOND through its normalisation layers (arXiv 2405.12399); here each token has its own timestep,
    and each moment of a video can have its own action. Zero vectors leave every velocity as it is.

    Attributes:
        vectors: added to the embedding of the timestep, before its projection.
        rows: the vector of each token.

    Raises:
        ValueError: if a token's row is none of the vectors'.
    """

    vectors: Float[Tensor, "batch row width"]
    rows: Int[Tensor, "batch token"]

    def __post_init__(self) -> None:
        if self.vectors.ndim != 3 or self.rows.ndim != 2 or len(self.vectors) != len(self.rows):
            raise ValueError(
                "expected offsets (batch, row, width) and a row for each token (batch, token), got "
                f"{tuple(self.vectors.shape)} and {tuple(self.rows.shape)}"
            )

    def groups(self, timesteps: Float[Tensor, "batch token"]) -> TimestepGroups | None:
        """Groups of tokens that have both in common; None where values cannot be read, as `found_in` says."""
        if not TimestepGroups.readable(timesteps):
            return None
        moments = torch.unique(timesteps, return_inverse=True)[1]
        return TimestepGroups.of(moments * self.vectors.shape[1] + self.rows)

    def of(self, groups: TimestepGroups | None) -> Float[Tensor, "batch group width"]:
        """The vector of each group; of each token without groups."""
        rows = self.rows if groups is None else groups.rows(self.rows)
        return self.vectors.gather(1, rows[..., None].expand(-1, -1, self.vectors.shape[2]))

    def take(self, rows: Sequence[int] | None) -> EmbeddingOffsets:
        """The offsets of these batch rows (None: all)."""
        return EmbeddingOffsets(take_rows(self.vectors, rows), take_rows(self.rows, rows))
