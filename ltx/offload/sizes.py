"""Memory that a model takes, from the names and shapes of its weights; none of them is read."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import torch

BLOCK = re.compile(r"(?:^|.*\.)(?:transformer_blocks|block|layers|blocks)\.\d+(?=\.)")
"""The start of a weight's name that says in which block of a transformer it is."""


@dataclass(frozen=True)
class PartSize:
    """Weights of one model.

    Attributes:
        parameters: in all.
        block: of the largest block; 0 where there are none.
        inside: of all blocks.
        matrices: of the two-dimensional ones inside blocks, which float8 is for.
        stored: the type that they are stored in.
    """

    parameters: int
    block: int
    inside: int
    matrices: int
    stored: torch.dtype

    @classmethod
    def of(cls, shapes: Mapping[str, tuple[int, ...]], stored: torch.dtype, *, blocks: bool = True) -> PartSize:
        """The size of a model from the shapes of its weights.

        Args:
            shapes: by name.
            stored: the type that they are stored in.
            blocks: whether the model is a stack of blocks that are run one after the other.
        """
        inside: Counter[str] = Counter()
        matrices = 0
        for name, shape in shapes.items():
            if blocks and (found := BLOCK.match(name)):
                inside[found[0]] += math.prod(shape)
                matrices += math.prod(shape) if len(shape) == 2 and name.endswith(".weight") else 0
        total = sum(map(math.prod, shapes.values()))
        return cls(total, max(inside.values(), default=0), inside.total(), matrices, stored)

    @property
    def bytes(self) -> int:
        """Of the stored weights."""
        return self.parameters * self.stored.itemsize

    def at_work(self, itemsize: int, *, blocks: bool, float8: bool = False) -> int:
        """Bytes on the device while this model works.

        Args:
            itemsize: bytes of a weight at work.
            blocks: whether its blocks come one by one: then two of them are there.
            float8: whether the matrices of its blocks are stored in float8: then one block, or the two, are cast.
        """
        outside = self.parameters - self.inside
        if blocks:
            return (outside + 2 * self.block) * itemsize
        if float8:
            return (self.parameters - self.matrices + 2 * self.block) * itemsize + self.matrices
        return self.parameters * itemsize
