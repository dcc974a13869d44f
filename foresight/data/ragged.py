"""Rows that are not equally long, such as the states of sentences: stored without filling, filled up in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

ENDS = ".ends"
"""After the name of what is stored end to end: where each row ends."""


@dataclass(frozen=True)
class Ragged:
    """Tensors that differ along one axis only.

    Args:
        rows: one for each clip.
        axis: the one along which they differ.
    """

    rows: Sequence[Tensor]
    axis: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def ends(self) -> Tensor:
        """End of each row when rows are concatenated."""
        return torch.tensor([row.shape[self.axis] for row in self.rows], dtype=torch.int64).cumsum(0)

    def joined(self) -> Tensor:
        """End to end."""
        return torch.cat(list(self.rows), dim=self.axis)

    def filled(self) -> tuple[Tensor, Tensor]:
        """A batch of rows filled up with zeros to the longest, and which places of each row are real."""
        lengths = torch.tensor([row.shape[self.axis] for row in self.rows])
        longest = int(lengths.max())
        shape = list(self.rows[0].shape)
        shape[self.axis] = longest
        batch = self.rows[0].new_zeros(len(self.rows), *shape)
        for place, row in enumerate(self.rows):
            batch[place].narrow(self.axis, 0, row.shape[self.axis]).copy_(row)
        return batch, torch.arange(longest)[None] < lengths[:, None]


def cut(joined: Tensor, ends: Tensor, axis: int, row: int) -> Tensor:
    """A row of what `Ragged.joined` gave."""
    start = int(ends[row - 1]) if row else 0
    return joined.narrow(axis, start, int(ends[row]) - start)
