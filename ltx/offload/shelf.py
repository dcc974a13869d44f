"""The weights of a module at rest and at work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import torch
from torch import Tensor, nn

from ltx.offload.float8 import STORED, Float8

PAGE = 4096


class Shelf:
    """The resting place of a module's weights, from which they are brought to work.

    At rest they are what they were read as: on the CPU, mostly still in the memory-mapped file, in the stored type, or
    in float8. At work they are copies on a device in the type that it computes in, or the same tensors where nothing
    has to change. A module's tensors are looked up whenever it is brought: a LoRA that was put on it is brought too.

    Args:
        module: whose weights they are.
        device: to work on.
        dtype: to work in; None is that of each weight.
        without: modules inside it that have shelves of their own.
    """

    def __init__(
        self,
        module: nn.Module,
        device: torch.device,
        dtype: torch.dtype | None,
        *,
        without: Sequence[nn.Module] = (),
    ) -> None:
        self.module, self.device, self.dtype = module, device, dtype
        self._without = tuple(without)
        self._scales: dict[int, Tensor] = {}
        self._resting: list[tuple[Tensor, Tensor]] = []

    @property
    def at_work(self) -> bool:
        """True while the weights are at work."""
        return bool(self._resting)

    def bring(self) -> None:
        """Put the weights to work."""
        if self.at_work:
            return
        for tensor, cast in self._tensors():
            rest = tensor.data
            if rest.dtype is not STORED:
                work = rest.to(self.device, self.dtype if cast else None, non_blocking=True)
            elif id(tensor) in self._scales:
                eight = Float8(rest, self._scales[id(tensor)]).to(self.device)
                work = eight.weight(self.dtype or torch.bfloat16)
            else:  # cast by the shelf inside this one that stored it
                work = rest.to(self.device, non_blocking=True)
            self._resting.append((tensor, rest))
            tensor.data = work

    def leave(self) -> None:
        """Let them rest again; the copies that worked are freed."""
        for tensor, rest in self._resting:
            tensor.data = rest
        self._resting.clear()

    def pack(self) -> None:
        """Store the matrices of all linear layers in float8 from now on; every other weight stays as it is."""
        assert not self.at_work
        for module in self._modules():
            if isinstance(module, nn.Linear):
                packed = Float8.of(module.weight.data)
                module.weight.data, self._scales[id(module.weight)] = packed.values, packed.scale

    def move(self, device: torch.device, dtype: torch.dtype | None = None, *, pin: bool = False) -> None:
        """Let the weights rest elsewhere, or in another type.

        Args:
            device: where.
            dtype: of those that are not in float8; None leaves it.
            pin: in page-locked memory, from which a GPU copies while it computes.
        """
        assert not self.at_work
        for tensor, cast in self._tensors():
            moved = tensor.data.to(device, dtype if cast and tensor.dtype is not STORED else None)
            tensor.data = moved.pin_memory() if pin else moved

    def working(self) -> list[Tensor]:
        """The tensors at work."""
        return [tensor.data for tensor, _ in self._resting]

    def read(self) -> None:
        """Touch a byte of every page that works where it rests: what is in a memory-mapped file has been read then."""
        for tensor, rest in self._resting:
            if tensor.data_ptr() == rest.data_ptr() and rest.device.type == "cpu" and rest.is_contiguous():
                rest.flatten().view(torch.uint8)[::PAGE].sum()

    def _modules(self) -> Iterator[nn.Module]:
        others = {id(inner) for each in self._without for inner in each.modules()}
        return (module for module in self.module.modules() if id(module) not in others)

    def _tensors(self) -> Iterator[tuple[Tensor, bool]]:
        """Each parameter and buffer once, and whether it takes the type of the work: all floats that are saved."""
        seen: set[int] = set()
        for module in self._modules():
            kept = module._non_persistent_buffers_set
            for name, tensor in chain(module._parameters.items(), module._buffers.items()):
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield tensor, tensor.is_floating_point() and name not in kept
