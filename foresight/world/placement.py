"""Device and type of a model, chosen where the user leaves them open."""

from __future__ import annotations

from pathlib import Path

import torch

from foresight.errors import UserError
from ltx.offload import placement

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
SMALL = 1 << 30
"""Bytes of weights up to which a model is read as float32: half precision would save nothing that matters."""


def choose_device(device: torch.device | str = "auto") -> torch.device:
    """The device of a name; "auto" is CUDA where there is a GPU, Apple's where there is one, else the CPU.

    Raises:
        UserError: if this machine or this build of torch has none of that name.
    """
    try:
        return placement.choose_device(device)
    except ValueError as error:
        raise UserError(
            expected="a device that this machine and this build of torch have",
            got=f"{str(device)!r}",
            remedy="choose auto, or cpu, or cuda where there is a GPU",
        ) from error


def choose_dtype(dtype: torch.dtype | str | None, files: list[Path], *, reader: bool) -> torch.dtype | None:
    """The type to read weights as; None is the type that each is stored in.

    "auto" reads models of up to a GiB as float32. Larger ones stay as they are stored, since two or four bytes a weight
    decide whether billions of them fit; those that only read (text encoder, VLM) are published in float32 too, and are
    run in bfloat16, as the released commands do.

    Args:
        dtype: a type, its name, or "auto"; None is "auto" too.
        files: of the weights.
        reader: true for a model that reads text or pictures for the video model.

    Raises:
        UserError: for a name of no such type.
    """
    if isinstance(dtype, torch.dtype):
        return dtype
    if dtype in (None, "auto"):
        size = sum(path.stat().st_size for path in files if path.suffix == ".safetensors")
        if size <= SMALL:
            return torch.float32
        return torch.bfloat16 if reader else None
    if dtype not in DTYPES:
        raise UserError(
            expected=f"a type out of auto, {', '.join(DTYPES)}", got=repr(dtype), remedy="choose one of these"
        )
    return DTYPES[str(dtype)]
