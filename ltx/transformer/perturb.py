"""Spatio-temporal guidance (arXiv 2411.18664): which blocks of which batch rows are perturbed, and how, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ltx.flow.skip_mode import SkipMode


class BlockSkip(NamedTuple):
    """The perturbation of one block call: mode, and the perturbed rows (None: all of them)."""

    mode: SkipMode
    rows: Bool[Tensor, "batch 1 1"] | None

    def apply(
        self, perturbed: Float[Tensor, "batch token width"], plain: Float[Tensor, "batch token width"]
    ) -> Float[Tensor, "batch token width"]:
        """The perturbed value for perturbed rows, the plain one for the others."""
        return perturbed if self.rows is None else torch.where(self.rows, perturbed, plain)


@dataclass(frozen=True)
class SkipLayers:
    """Perturb these blocks, in this way, for these batch rows.

    Args:
        blocks: block indices, at least one, none negative.
        mode: a `SkipMode` or one of its names.
        rows: batch rows to perturb; None perturbs all. With conditions stacked condition-major over a batch of B,
            the third condition is `tuple(range(2 * B, 3 * B))`.

    Raises:
        ValueError: for an empty or negative list of blocks or rows, or an unknown mode.
    """

    blocks: tuple[int, ...]
    mode: SkipMode = SkipMode.ATTENTION_VALUES
    rows: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "mode", SkipMode(self.mode))
        for name, numbers in (("blocks", self.blocks), ("rows", self.rows)):
            if numbers is not None and (not numbers or min(numbers) < 0 or len(set(numbers)) != len(numbers)):
                raise ValueError(f"expected distinct {name} ≥ 0, at least one, got {numbers}")

    @property
    def first(self) -> int:
        """The first perturbed block: before it a perturbed row equals its unperturbed twin."""
        return min(self.blocks)

    def check(self, *, layers: int, batch: int) -> None:
        """Refuse blocks or rows that do not exist.

        Raises:
            ValueError: with the offending number and the number there are.
        """
        if max(self.blocks) >= layers:
            raise ValueError(f"expected blocks below {layers}, the number of layers, got {self.blocks}")
        if self.rows is not None and max(self.rows) >= batch:
            raise ValueError(f"expected rows below {batch}, the batch size, got {self.rows}")

    def mask(self, batch: int, device: torch.device) -> Bool[Tensor, "batch 1 1"] | None:
        """True for perturbed rows; None when that is all of them."""
        if self.rows is None or len(self.rows) == batch:
            return None
        mask = torch.zeros(batch, 1, 1, dtype=torch.bool, device=device)
        for row in self.rows:  # filled on the device: a copy from the host could not be captured in a CUDA graph
            mask[row].fill_(True)
        return mask


def take_rows(tensor: Tensor, rows: Sequence[int] | None) -> Tensor:
    """These rows of the first axis, as a view when they are consecutive.

    None stands for all rows, and a tensor of one row serves any.
    """
    if rows is None or tensor.shape[0] == 1:
        return tensor
    start = rows[0]
    if list(rows) == list(range(start, start + len(rows))):
        return tensor[start : start + len(rows)]
    return torch.cat([tensor[row : row + 1] for row in rows])
