"""From one released format to another: whole checkpoints, latent upsamplers, LoRAs."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from ltx.bundle.checkpoint import Checkpoint
from ltx.bundle.content import Content, content_of
from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.hub import resolve
from ltx.checkpoint.save import save_official
from ltx.dtypes import working_dtype
from ltx.lora import Style, read_lora, write_lora
from ltx.upsampler import LatentUpsampler
from ltx.upsampler.part import UPSAMPLER

BESIDE = ("text_encoder", "tokenizer", UPSAMPLER.name)


def convert(
    where: str | Path, to: str | Path, *, dtype: torch.dtype | str | None = None, style: Style | None = None
) -> Content:
    """Convert what is there: to the official file if the target ends in `.safetensors`, else to a folder of diffusers.

    Tensors keep their bytes. The exception is the second factor of a LoRA whose alpha is not its rank, in styles that
    have no place for alpha: it is multiplied by alpha / rank, in float32 where its type would not hold that exactly.

    Args:
        where: anything that `Checkpoint`, `LatentUpsampler` or `read_lora` reads; its content says which.
        to: where to write.
        dtype: type of the written weights or its name; None keeps the stored one (float8 becomes bfloat16).
        style: how the keys of a LoRA are spelled. None is ComfyUI's for a file, as released, and diffusers' for a
            folder.

    Returns:
        What was converted.

    Raises:
        CheckpointError: if reading or writing fails, or a style is asked of what is no LoRA.
    """
    content = content_of(resolve(where, UPSAMPLER.name))
    official, target = Path(to).suffix == ".safetensors", working_dtype(dtype)
    if content == "LoRA":
        lora = read_lora(where)
        write_lora(lora if target is None else lora.to(target), to, style or ("comfy" if official else "diffusers"))
        return content
    if style is not None:
        raise CheckpointError(f"the style {style!r} is one of LoRAs, and {where} holds a {content}")
    if content == "latent upsampler":
        upsampler = LatentUpsampler.from_pretrained(where, dtype=target)
        if official:
            save_official(to, [(UPSAMPLER, upsampler)])
        else:
            upsampler.save_pretrained(to)
        return content
    checkpoint = Checkpoint.from_pretrained(where, dtype=target)
    root = resolve(where, UPSAMPLER.name)
    if left := [name for name in BESIDE if (root / name).is_dir()]:
        warnings.warn(
            f"not part of what is written to {to}: {', '.join(left)} of {where}; name them when reading, with "
            "text_encoder= and upsampler=",
            stacklevel=2,
        )
    if official:
        checkpoint.save_official(to)
    else:
        checkpoint.save_pretrained(to)
    return content
