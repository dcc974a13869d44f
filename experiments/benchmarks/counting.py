"""Kernels, bytes and floating-point operations of one call: exact, the same on every machine, no clock involved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

# Operators that launch nothing besides those that PyTorch itself marks as views: allocation, aliasing, metadata.
WITHOUT_KERNEL = frozenset(
    f"aten::{name}"
    for name in (
        *("view", "_unsafe_view", "_reshape_alias", "alias", "detach", "lift_fresh", "unbind", "split", "chunk"),
        *("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "_local_scalar_dense"),
    )
) | {"prim::device"}

# One kernel each on a GPU. Without one PyTorch spells them out, for both sides alike, which says nothing about code.
ONE_KERNEL: dict[Callable[..., Tensor], str] = {
    F.rms_norm: "rms_norm",
    F.scaled_dot_product_attention: "attention",
}
MATMUL = "matmul"
OTHER = "other"


class Count:
    """Kernels that a call launched.

    Attributes:
        kernels: number of kernels by kind: `matmul` (attention and convolution included) and `other`.
        bytes: bytes these read and write; an axis of stride 0 is read once.
        operators: bytes of the other kernels by operator.
        flops: floating-point operations of the matmul kernels, 2 for a multiply-add.
    """

    def __init__(self) -> None:
        self.kernels: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.operators: Counter[str] = Counter()
        self.flops = 0

    @property
    def launches(self) -> int:
        """All kernels."""
        return self.kernels.total()

    def add(self, name: str, arguments: object, result: object, flops: int | None) -> None:
        """Count one kernel; `flops` tells a matmul from the others."""
        kind = OTHER if flops is None else MATMUL
        moved = sum(_read(leaf) for leaf in tree_leaves(arguments) if isinstance(leaf, Tensor))
        moved += sum(leaf.numel() * leaf.element_size() for leaf in tree_leaves(result) if isinstance(leaf, Tensor))
        self.kernels[kind] += 1
        self.bytes[kind] += moved
        self.flops += flops or 0
        if flops is None:
            self.operators[name] += moved


def _read(tensor: Tensor) -> int:
    sizes = [size for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if stride != 0]
    return torch.Size(sizes).numel() * tensor.element_size()


class _Operators(TorchDispatchMode):
    """Counts what reaches the device: every operator of PyTorch below autograd and below composite operators."""

    def __init__(self, count: Count) -> None:
        super().__init__()
        self.count = count
        self.paused = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func._schema.name
        if self.paused or func.is_view or name in WITHOUT_KERNEL:
            return result
        formula = flop_registry.get(func._overloadpacket)
        flops = None if formula is None else formula(*args, **(kwargs or {}), out_val=result)
        self.count.add(name.removeprefix("aten::"), (args, kwargs), result, flops)
        return result


class _Fused(TorchFunctionMode):
    """Counts the functions of `ONE_KERNEL` as one kernel, whatever this device makes of them."""

    def __init__(self, count: Count, operators: _Operators) -> None:
        super().__init__()
        self.count = count
        self.operators = operators

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = ONE_KERNEL.get(func)
        if name is None or self.operators.paused:
            return func(*args, **kwargs)
        self.operators.paused = True
        try:
            result = func(*args, **kwargs)
        finally:
            self.operators.paused = False
        flops = None
        if name == "attention":
            query, key = (*args, *kwargs.values())[:2]
            flops = 4 * query.numel() * key.shape[-2]
            # As the GPU's kernel lays it out: on the meta device it would be copied when the heads are merged.
            result = torch.empty_like(query) if query.is_meta else result
        self.count.add(name, (args, kwargs), result, flops)
        return result


def counted(call: Callable[[], object]) -> Count:
    """Run a call without gradients and count it.

    Counted is what eager PyTorch launches on a GPU: views launch nothing, RMSNorm and attention are one kernel each.
    Works on any device, on the meta device too.
    """
    count = Count()
    operators = _Operators(count)
    # Not inference mode: there composite operators (linear, dropout, casts) would not be taken apart.
    with torch.no_grad(), _Fused(count, operators), operators:
        call()
    return count
