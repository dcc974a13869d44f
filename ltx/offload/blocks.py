"""Blocks of a network that come to work one after the other, the next one while the present one computes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from torch import nn

from ltx.offload.shelf import Shelf

Ready = torch.cuda.Event | None


class BlockStream:
    """The blocks of a network, of which at most two are at work.

    A thread brings the next block while the present one computes: on a GPU by a stream of its own, elsewhere by casting
    the weights, or by reading those that are in a memory-mapped file.

    Args:
        blocks: in the order in which they are run.
        device: to work on.
        dtype: to work in; None is that of each weight.
    """

    def __init__(self, blocks: Sequence[nn.Module], device: torch.device, dtype: torch.dtype | None) -> None:
        self.shelves = [Shelf(block, device, dtype) for block in blocks]
        self._device = device
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="next-block")
        self._copies = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._coming: dict[int, Future[Ready]] = {}

    def visit(self, indices: Iterable[int]) -> Iterator[int]:
        """The indices one by one, each with its block at work until the next one is asked for.

        Raises:
            ValueError: where gradients are wanted, for which all weights would have to stay.
        """
        if torch.is_grad_enabled():
            raise ValueError("expected torch.no_grad() around a network whose blocks are offloaded; train without")
        order = list(indices)
        try:
            for index, following in zip(order, [*order[1:], None], strict=True):
                self._enter(index, following)
                yield index
                self.shelves[index].leave()
        finally:
            self.rest()

    def pack(self) -> None:
        """Store the matrices of all blocks in float8."""
        for shelf in self.shelves:
            shelf.pack()

    def pin(self) -> None:
        """Let the blocks rest in page-locked memory."""
        for shelf in self.shelves:
            shelf.move(torch.device("cpu"), pin=True)

    def listen(self) -> None:
        """Bring each block when it is called, for networks that call their blocks in order."""
        for index, shelf in enumerate(self.shelves):
            following = index + 1 if index + 1 < len(self.shelves) else None

            def enter(module: nn.Module, inputs: Any, index: int = index, following: int | None = following) -> None:
                self._enter(index, following)

            def leave(module: nn.Module, inputs: Any, outputs: Any, shelf: Shelf = shelf) -> None:
                shelf.leave()

            shelf.module.register_forward_pre_hook(enter)
            shelf.module.register_forward_hook(leave, always_call=True)

    def rest(self) -> None:
        """Send all blocks to rest."""
        for future in self._coming.values():
            future.exception()
        self._coming.clear()
        for shelf in self.shelves:
            shelf.leave()

    def _enter(self, index: int, following: int | None) -> None:
        """Wait for a block, and send for the one after it."""
        stream = None if self._copies is None else torch.cuda.current_stream(self._device)
        before = None if stream is None else stream.record_event()
        present = self._coming.pop(index, None) or self._thread.submit(self._bring, index, before)
        ready = present.result()
        if following is not None and following not in self._coming:
            self._coming[following] = self._thread.submit(self._bring, following, before)
        if stream is not None and ready is not None:
            stream.wait_event(ready)
            for tensor in self.shelves[index].working():
                tensor.record_stream(stream)  # its memory is not given away before this stream is done with it

    def _bring(self, index: int, before: Ready) -> Ready:
        """Bring a block, in the thread.

        Args:
            index: of the block.
            before: what a GPU was asked for before the present block. It has to be done, or a program that runs ahead
                of its GPU would bring all blocks at once.
        """
        shelf = self.shelves[index]
        if self._copies is None or before is None:
            shelf.bring()
            shelf.read()
            return None
        before.synchronize()
        with torch.cuda.stream(self._copies):
            shelf.bring()
            ready: Ready = self._copies.record_event()
        return ready
