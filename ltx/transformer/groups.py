"""Groups of tokens that share a timestep, which turn a timestep per token into a few rows of conditioning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from ltx.transformer.perturb import take_rows

FEWER = 8
"""Groups are worth the trouble from this many tokens to a group: conditioning a row costs a hundredth of a token."""


@dataclass(frozen=True)
class TimestepGroups:
    """A promise about a sampling run: tokens of one group have equal timesteps at every step.

    Conditioning makes few distinct timesteps (0 for given frames, σ for the rest), mostly the same for a whole frame.
    Then the groups are stretches of equal length, and what a group's tokens share broadcasts over them for nothing.
    Finding groups reads the values, which no compiled or captured step can do: find them once, before the run, from
    anything that decides the timesteps (a conditioning mask or strength).

    Attributes:
        first: one token of each group; a group absent from a batch row points at token 0.
        members: the group of each token; None where the groups are stretches of equal length, in order.
    """

    first: Int[Tensor, "#batch group"]
    members: Int[Tensor, "#batch token"] | None

    @classmethod
    def of(cls, labels: Shaped[Tensor, "batch token"]) -> TimestepGroups:
        """Group the tokens that have equal labels. Reads the values: call it outside compiled and captured code."""
        count = labels.shape[1]
        changes = (labels[:, 1:] != labels[:, :-1]).any(dim=0).nonzero().flatten() + 1
        length = math.gcd(count, *changes.tolist())
        if length < FEWER:
            values, members = torch.unique(labels, return_inverse=True)
            if len(values) * FEWER <= count:
                present = members[:, None] == torch.arange(len(values), device=labels.device)[:, None]
                return cls(present.int().argmax(-1), members)
            length = 1
        return cls(torch.arange(0, count, length, device=labels.device)[None], None)

    @classmethod
    def found_in(cls, timesteps: Float[Tensor, "batch token"]) -> TimestepGroups | None:
        """The groups of one step; None where values cannot be read (compiled or captured code, the meta device)."""
        if torch.compiler.is_compiling() or timesteps.is_meta:
            return None
        if timesteps.is_cuda and torch.cuda.is_current_stream_capturing():
            return None
        return cls.of(timesteps)

    @property
    def count(self) -> int:
        """Number of groups."""
        return self.first.shape[1]

    def rows(self, timesteps: Float[Tensor, "batch token"]) -> Float[Tensor, "batch group"]:
        """The timestep of each group."""
        return timesteps.gather(1, self.first.expand(timesteps.shape[0], -1))

    def flat(self, batch: int) -> Int[Tensor, " flat_token"] | None:
        """Index of each token's row among the rows of all batch entries, for `index_select`; None for stretches."""
        if self.members is None:
            return None
        offsets = torch.arange(batch, device=self.members.device)[:, None] * self.count
        return (self.members + offsets).flatten()

    def take(self, rows: Sequence[int] | None) -> TimestepGroups:
        """The groups of these batch rows."""
        members = None if self.members is None else take_rows(self.members, rows)
        return TimestepGroups(take_rows(self.first, rows), members)
