"""Random token dropping: clips of slightly different size become sequences of one length (arXiv 2501.00103).

Up to a fifth of the tokens of each clip is left out at random, so that clips of several resolutions and durations form
one batch without padding. A token's place is its coordinates, not its index, so what is kept stays where it was as long
as every tensor is indexed alike; `TokenChoice` does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

LARGEST_DROP = 0.2


def common_length(counts: Sequence[int], *, largest_drop: float = LARGEST_DROP) -> int:
    """The longest sequence all clips can be cut to: the smallest of their token counts.

    Args:
        counts: tokens of each clip.
        largest_drop: share of a clip's tokens that may be left out, in [0, 1).

    Raises:
        ValueError: if the longest clip would lose more than that.
    """
    if not counts:
        raise ValueError("expected at least one token count, got none")
    shortest, longest = min(counts), max(counts)
    if shortest < longest * (1 - largest_drop):
        raise ValueError(
            f"expected clips that become equally long by dropping at most {largest_drop:.0%} of their tokens, got "
            f"{shortest} to {longest} tokens ({1 - shortest / longest:.0%}); "
            "group them with ltx.batching.buckets_by_length"
        )
    return shortest


@dataclass(frozen=True)
class TokenChoice:
    """Indices of the kept tokens of each sample, in ascending order."""

    indices: Int64[Tensor, "batch kept"]

    def sequence(self, values: Float[Tensor, "batch token channel"]) -> Float[Tensor, "batch kept channel"]:
        """The kept rows of latents, noise or velocities."""
        return values.gather(1, self.indices.unsqueeze(-1).expand(-1, -1, values.shape[2]))

    def per_token(self, values: Tensor) -> Tensor:
        """The kept entries of one value for each token (batch, token): timesteps, masks; any type."""
        return values.gather(1, self.indices)

    def coordinates(self, values: Float[Tensor, "batch axis=3 token"]) -> Float[Tensor, "batch axis=3 kept"]:
        """The kept tokens' seconds, rows and columns, unchanged."""
        return values.gather(2, self.indices.unsqueeze(1).expand(-1, values.shape[1], -1))


def drop_tokens(droppable: Bool[Tensor, "batch token"], *, keep: int, generator: torch.Generator) -> TokenChoice:
    """Keeps `keep` tokens of each sample: all that may not be dropped, and a uniform random choice of the others.

    Args:
        droppable: False for tokens that must stay, e.g. the given context; all True in pre-training.
        keep: tokens left in every sample.
        generator: on the device of `droppable`; it decides the choice.

    Raises:
        ValueError: if keep is below 1, above the number of tokens, or below the number that must stay.
    """
    batch, tokens = droppable.shape
    fixed = int((~droppable).sum(dim=1).max())
    if not max(fixed, 1) <= keep <= tokens:
        raise ValueError(f"expected to keep between {max(fixed, 1)} and {tokens} tokens, got {keep}")
    order = torch.rand(batch, tokens, generator=generator, device=droppable.device)
    order = torch.where(droppable, order, -1.0)  # tokens that must stay sort first
    return TokenChoice(order.argsort(dim=1)[:, :keep].sort(dim=1).values)
