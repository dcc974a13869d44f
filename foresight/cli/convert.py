"""`foresight convert`: LTX-Video checkpoints, latent upsamplers and LoRAs from one released format to another."""

from __future__ import annotations

from pathlib import Path

import torch

from foresight.cli.console import console
from foresight.errors import UserError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def convert(*, source: str | Path, to: str | Path, precision: str | None, style: str | None) -> None:
    """Convert what the source holds.

    Args:
        source: official file, diffusers folder, LoRA or hub id.
        to: where to write; a name ending in `.safetensors` makes an official file, any other a folder.
        precision: of the written weights: float32, bfloat16, float16, or None for that of the source.
        style: of a LoRA's keys: peft, diffusers, comfy, or None for comfy in a file and diffusers in a folder.

    Raises:
        UserError: if the precision or the style is unknown.
        CheckpointError: if the source is nothing that can be read, or no LoRA though a style is given.
    """
    from ltx.bundle.convert import convert as convert_checkpoint
    from ltx.lora.names import WRITTEN

    for what, value, known in (("a precision", precision, PRECISIONS), ("a style", style, WRITTEN)):
        if value is not None and value not in known:
            raise UserError(
                expected=f"{what} out of {', '.join(known)}", got=value, remedy="choose one or leave it out"
            )
    spelled = next((name for name in WRITTEN if name == style), None)
    held = convert_checkpoint(source, to, dtype=None if precision is None else PRECISIONS[precision], style=spelled)
    console.print(f"wrote the {held} {to}")
