"""Bytes of the tensors that are alive at a time while something runs on the meta device, where nothing is computed."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten


class LiveBytes(TorchDispatchMode):
    """Counts what operations make and what of it is still there.

    Args:
        tokens: length of the sequence: matrices of tokens × tokens are not counted, for fused attention makes none.

    Attributes:
        peak: most bytes that were alive at a time.
    """

    def __init__(self, tokens: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tokens = tokens
        self.peak = 0
        self._alive: dict[int, int] = {}

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation, and count its results."""
        result = func(*args, **(kwargs or {}))
        for value in tree_flatten(result)[0]:
            if isinstance(value, Tensor) and not self._is_attention(value):
                self._count(value)
        self.peak = max(self.peak, sum(self._alive.values()))
        return result

    def _is_attention(self, value: Tensor) -> bool:
        return value.ndim >= 2 and min(value.shape[-2:]) >= self.tokens

    def _count(self, value: Tensor) -> None:
        storage = value.untyped_storage()
        key = storage._cdata
        if key not in self._alive:
            self._alive[key] = storage.nbytes()
            weakref.finalize(storage, self._alive.pop, key, None)


def peak_bytes(run: Callable[[], object], *, tokens: int) -> int:
    """Most bytes alive at a time beyond what was there before, without gradients.

    Args:
        run: works on tensors of the meta device.
        tokens: length of the sequence, for `LiveBytes`.
    """
    live = LiveBytes(tokens)
    with torch.no_grad(), live:
        run()
    return live.peak
