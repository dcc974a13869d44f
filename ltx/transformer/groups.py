"""Which tokens share a timestep: what turns a timestep per token into a few rows of conditioning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from ltx.transformer.perturb import take_rows


@dataclass(frozen=True)
class TimestepGroups:
    """A promise about a sampling run: tokens of one group have equal timesteps at every step.

    Conditioning makes few distinct timesteps (0 for given frames, σ for the rest), but finding them reads the values,
    which no compiled or captured step can do. So the groups are found once, before the run, from anything that decides
    the timesteps (a conditioning mask or strength), and each step reads one token of each group.

    Attributes:
        members: the group of each token.
        first: one token of each group; a group absent from a batch row points at token 0.
    """

    members: Int[Tensor, "batch token"]
    first: Int[Tensor, "batch group"]

    @classmethod
    def of(cls, labels: Shaped[Tensor, "batch token"]) -> TimestepGroups:
        """Group the tokens that have equal labels. Reads the values: call it once, outside compiled code."""
        values, members = torch.unique(labels, return_inverse=True)
        present = members[:, None] == torch.arange(len(values), device=labels.device)[:, None]
        return cls(members, present.int().argmax(-1))

    @property
    def count(self) -> int:
        """Number of groups."""
        return self.first.shape[1]

    def rows(self, timesteps: Float[Tensor, "batch token"]) -> Float[Tensor, "batch group"]:
        """The timestep of each group."""
        return timesteps.gather(1, self.first.expand(timesteps.shape[0], -1))

    def flat(self, batch: int) -> Int[Tensor, " flat_token"]:
        """Index of each token's row among the rows of all batch entries, for `index_select`."""
        offsets = torch.arange(batch, device=self.members.device)[:, None] * self.count
        return (self.members + offsets).flatten()

    def take(self, rows: Sequence[int] | None) -> TimestepGroups:
        """The groups of these batch rows."""
        return TimestepGroups(take_rows(self.members, rows), take_rows(self.first, rows))
