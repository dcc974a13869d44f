"""Overlapping stretches of an axis, and how one passes into the next."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Span(NamedTuple):
    """One tile along one axis: what is read, what of it is kept, and where the next tile begins."""

    read_start: int
    read_stop: int
    start: int
    stop: int
    end: int
    """Start of the next tile; from here to `stop` this tile fades into it."""

    def kept(self, scale: int) -> slice:
        """The kept part of a result that has `scale` values for each read one."""
        return slice((self.start - self.read_start) * scale, (self.stop - self.read_start) * scale)


def spans(length: int, *, size: int, margin: int, fade: int) -> list[Span]:
    """Tiles every `size`, kept `fade` further than the next one's start, read `margin` further on both sides."""
    tiles = []
    for start in range(0, length, size):
        end = min(start + size, length)
        stop = min(end + fade, length)
        tiles.append(Span(max(start - margin, 0), min(stop + margin, length), start, stop, end))
    return tiles


def fade(before: Tensor, tile: Tensor, *, axis: int) -> Tensor:
    """`tile` with its first entries along `axis` faded from `before`, which covers the same places.

    Entry k of n is before·(1 − k/n) + tile·k/n, so that the first is all `before`.
    """
    overlap = before.shape[axis]
    if not overlap:
        return tile
    weight = torch.arange(overlap, device=tile.device, dtype=tile.dtype) / overlap
    shape = [1] * tile.ndim
    shape[axis] = overlap
    first, rest = tile.split([overlap, tile.shape[axis] - overlap], dim=axis)
    return torch.cat([torch.lerp(before, first, weight.view(shape)), rest], dim=axis)
