"""Frozen networks that encode data: one at a time in a process, read when a clip needs it, and never otherwise.

Reading another one frees the one before, so that two large ones are never in memory together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch

from foresight.vlm.encoder import QwenEncoder
from foresight.world.placement import choose_device, choose_dtype
from foresight.world.reference import digest, locate, part_files
from ltx.offload.giving_back import give_back
from ltx.offload.placement import multiplies
from ltx.text import TextEncoder
from ltx.vae import VideoVAE

Part = TypeVar("Part")
_held: dict[tuple[str, str], Any] = {}


def frozen_vae(where: str) -> VideoVAE:
    """The VAE at a place, in its stored type if it is large, unless the device has no units for bfloat16.

    Half precision is several times slower there, and a VAE in float32 is still smaller than the readers of text.
    """

    def read() -> VideoVAE:
        dtype, device = choose_dtype("auto", part_files(locate(where, "vae"), "vae"), reader=False), choose_device()
        if not multiplies(device, torch.bfloat16):
            dtype = torch.float32
        return VideoVAE.from_pretrained(where, dtype=dtype, device=device).eval()

    return _hold("vae", where, read)


def frozen_text_encoder(where: str) -> TextEncoder:
    """The text encoder at a place, in bfloat16 if it is large."""

    def read() -> TextEncoder:
        files = part_files(locate(where, "text_encoder"), "text_encoder")
        dtype = choose_dtype("auto", files, reader=True)
        return TextEncoder.from_pretrained(where, dtype=dtype, device=choose_device())

    return _hold("text_encoder", where, read)


def frozen_vlm(where: str, layers: Sequence[int]) -> QwenEncoder:
    """The vision-language model at a place, in bfloat16 if it is large, with the hidden states that are wanted."""

    def read() -> QwenEncoder:
        dtype = choose_dtype("auto", part_files(locate(where, "vlm"), "vlm"), reader=True)
        return QwenEncoder.from_pretrained(where, dtype=dtype, device=choose_device())

    found = _hold("vlm", where, read)
    return QwenEncoder(model=found.model, tokenizer=found.tokenizer, policy=found.policy, layers=layers)


def release() -> None:
    """Forget the network that was read: what comes next needs the memory."""
    if _held:
        _held.clear()
        give_back()


@cache
def digests(where: str, part: str) -> tuple[str, ...]:
    """SHA-256 of each file of a part; read once per process.

    Raises:
        UserError: if there is no such part.
    """
    return tuple(digest(Path(path)) for path in part_files(locate(where, part), part))


def _hold(part: str, where: str, read: Callable[[], Part]) -> Part:
    key = (part, where)
    if key not in _held:
        release()
        _held[key] = read()
        give_back()  # reading looked at every weight
    found: Part = _held[key]
    return found
