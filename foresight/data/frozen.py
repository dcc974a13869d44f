"""Frozen networks that encode data: one at a time in a process, read when a clip needs it, and never otherwise.

Reading another one frees the one before, so that two large ones are never in memory together.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from foresight.vlm.encoder import QwenEncoder
from foresight.world.readers import PartReaders, place_parts
from foresight.world.reference import digest, locate, part_files
from ltx.offload.giving_back import give_back
from ltx.offload.request import PlacementRequest
from ltx.text import TextEncoder
from ltx.vae import VideoVAE

Part = TypeVar("Part")
_held: dict[tuple[str, str], Any] = {}


def frozen_vae(where: str) -> VideoVAE:
    """The VAE at a place."""
    return _hold("vae", where, lambda: _readers("vae", where).vae().eval())


def frozen_text_encoder(where: str) -> TextEncoder:
    """The text encoder at a place."""
    return _hold("text_encoder", where, lambda: _readers("text_encoder", where).text_encoder())


def frozen_vlm(where: str, layers: Sequence[int]) -> QwenEncoder:
    """The vision-language model at a place, with the hidden states that are wanted."""
    found = _hold("vlm", where, lambda: _readers("vlm", where).vlm(layers=layers))
    return QwenEncoder(model=found.model, tokenizer=found.tokenizer, preprocessing=found.preprocessing, layers=layers)


def _readers(part: str, where: str) -> PartReaders:
    """As for a prediction: small parts in float32; large ones as stored, or in bfloat16 if they read, and cast block by
    block to float32 on a processor without units for these.
    """
    roots = {part: locate(where, part)}
    return PartReaders(roots, place_parts(roots, PlacementRequest()))


def release() -> None:
    """Forget the network that was read: what comes next needs the memory."""
    if _held:
        _held.clear()
        gc.collect()  # blocks and what brings them know each other
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
