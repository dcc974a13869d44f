"""Inputs of the transformer's cross-attention: token states, and which of them count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from ltx.values import check_finite


@dataclass(frozen=True)
class TextConditioning:
    """Context tokens of a batch of prompts, from a text encoder or an adapter.

    Attributes:
        embeddings: token states, as wide as the transformer's caption projection reads.
        mask: True for tokens to attend to.

    Raises:
        ValueError: if the mask is not boolean or of another batch and length, or an embedding is NaN or infinite, also
            at masked tokens: attention would spread it.
    """

    embeddings: Float[Tensor, "batch length caption"]
    mask: Bool[Tensor, "batch length"]

    def __post_init__(self) -> None:
        if self.mask.dtype != torch.bool or self.mask.shape != self.embeddings.shape[:2]:
            raise ValueError(
                f"expected a boolean mask {tuple(self.embeddings.shape[:2])}, "
                f"got {self.mask.dtype} {tuple(self.mask.shape)}"
            )
        if not self.embeddings.is_meta:
            check_finite(self.embeddings, "the embeddings of a text")

    def __len__(self) -> int:
        return self.embeddings.shape[0]

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> TextConditioning:
        """The same tokens on another device, as another floating type."""
        return TextConditioning(self.embeddings.to(device, dtype), self.mask.to(device))

    def repeat(self, times: int) -> TextConditioning:
        """Each prompt `times` times in a row: what a batch of candidates needs."""
        return TextConditioning(
            self.embeddings.repeat_interleave(times, dim=0), self.mask.repeat_interleave(times, dim=0)
        )

    @classmethod
    def empty(cls, rows: int, width: int) -> TextConditioning:
        """Rows without any token."""
        return cls(torch.zeros(rows, 0, width), torch.ones(rows, 0, dtype=torch.bool))

    @classmethod
    def stack(cls, parts: Sequence[TextConditioning]) -> TextConditioning:
        """Batches below each other; shorter ones are filled with masked zeros on the right."""
        length = max(part.mask.shape[1] for part in parts)
        return cls(
            torch.cat([F.pad(part.embeddings, (0, 0, 0, length - part.mask.shape[1])) for part in parts]),
            torch.cat([F.pad(part.mask, (0, length - part.mask.shape[1])) for part in parts]),
        )


class EncodesText(Protocol):
    """Anything that turns prompts into context tokens."""

    def encode(self, prompts: Sequence[str]) -> TextConditioning:
        """Context tokens, one row for each prompt."""
