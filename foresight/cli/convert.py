"""`foresight convert`: an official LTX-Video file to a diffusers folder, or back."""

from __future__ import annotations

import torch

from foresight.cli.console import console
from foresight.errors import UserError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def convert(*, source: str, to: str, precision: str | None) -> None:
    """Convert a checkpoint.

    Args:
        source: official file, diffusers folder or hub id.
        to: where to write; a name ending in `.safetensors` makes an official file, any other a folder.
        precision: of the written weights: float32, bfloat16, float16, or None for that of the source.

    Raises:
        UserError: if the precision is unknown.
        CheckpointError: if the source is not such a checkpoint.
    """
    from ltx.checkpoint.convert import convert as convert_checkpoint

    if precision is not None and precision not in PRECISIONS:
        raise UserError(
            expected=f"a precision out of {', '.join(PRECISIONS)}", got=precision, remedy="choose one or leave it out"
        )
    convert_checkpoint(source, to, dtype=None if precision is None else PRECISIONS[precision])
    console.print(f"wrote {to}")
