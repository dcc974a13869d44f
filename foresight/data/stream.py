"""The order of training data: an endless shuffled stream of which every position can be found again."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import Sampler

from foresight.reproducibility.randomness import keyed_generator


class StreamBatches(Sampler[list[int]]):
    """Batches of indices, for ever, starting at any batch.

    The stream is one shuffled pass over the data after another; its order is a function of (seed, pass) alone. Batch b
    of rank r of w holds positions (b·w + r)·n … +n−1, so ranks share nothing and a run resumed at batch b sees exactly
    what it would have seen.

    Args:
        size: number of examples.
        batch: examples per batch and rank.
        seed: of the order.
        start: first batch to yield.
        rank: this process.
        world: number of processes.
    """

    def __init__(self, *, size: int, batch: int, seed: int, start: int, rank: int, world: int) -> None:
        if size < 1 or batch < 1 or start < 0 or not 0 <= rank < world:
            raise ValueError(
                f"expected size, batch ≥ 1, start ≥ 0 and 0 ≤ rank < world; "
                f"got {size}, {batch}, {start}, {rank} and {world}"
            )
        self._size, self._batch, self._seed = size, batch, seed
        self._start, self._rank, self._world = start, rank, world

    def __iter__(self) -> Iterator[list[int]]:
        epoch, order = -1, torch.empty(0)
        number = self._start
        while True:
            first = (number * self._world + self._rank) * self._batch
            chosen = []
            for position in range(first, first + self._batch):
                if position // self._size != epoch:
                    epoch = position // self._size
                    order = self._order(epoch)
                chosen.append(int(order[position % self._size]))
            yield chosen
            number += 1

    def _order(self, epoch: int) -> Tensor:
        return torch.randperm(self._size, generator=keyed_generator("order", self._seed, epoch))
