"""Types of weights by any of their names."""

from __future__ import annotations

import torch

_TYPES = {
    torch.float32: ("float32", "fp32", "float", "f32", "32"),
    torch.float16: ("float16", "fp16", "half", "f16", "16"),
    torch.bfloat16: ("bfloat16", "bf16"),
    torch.float64: ("float64", "fp64", "double", "f64"),
}
_NAMES = {name: dtype for dtype, names in _TYPES.items() for name in names}


def working_dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    """A type that weights can be computed in; None, also spelled "auto", is the one they are stored in.

    Args:
        dtype: a type of torch, or its name: "bfloat16", "bf16", "torch.bfloat16", …

    Raises:
        ValueError: if it is no floating type or one without arithmetic (float8).
    """
    if dtype is None or (isinstance(dtype, str) and dtype.lower() == "auto"):
        return None
    known = _NAMES.get(dtype.lower().removeprefix("torch.")) if isinstance(dtype, str) else dtype
    if isinstance(known, torch.dtype) and known in _TYPES:
        return known
    raise ValueError(
        f"expected a type to compute in, one of float32, bfloat16, float16, float64 or auto (the stored one), got "
        f"{dtype!r}; 8-bit files are read into any of these, and there is no arithmetic in 8 bits here"
    )
