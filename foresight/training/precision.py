"""Precision that trains fastest on this machine."""

from __future__ import annotations

import torch


def fast_precision(accelerator: str = "auto") -> str:
    """Lightning's name of it: `bf16-mixed` where matrices are multiplied in bfloat16 natively, else `32-true`.

    A processor without such instructions emulates them: a training step of an adapter took about nine times as long.

    Args:
        accelerator: Lightning's `accelerator`: "cpu", or whatever else there is.
    """
    if accelerator != "cpu" and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16-mixed" if native else "32-true"
