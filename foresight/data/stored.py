"""Frozen networks on disk as encoders of a feature cache: read when a clip is not in it yet, and never otherwise.

What they make depends on their files, whose hash is the key; a finished cache needs no network at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from torch import Tensor

from foresight.data.batch import ClipBatch
from foresight.data.cache import file_digest
from foresight.data.encoders import PRECISIONS, check_precision
from foresight.world.placement import choose_device, choose_dtype
from foresight.world.reference import locate, part_files
from ltx.text import TextEncoder
from ltx.vae import VideoVAE


class StoredLatents:
    """Normalised latents of the whole clip, as `latents`: the mean of the posterior.

    Args:
        where: the VAE: a file, a folder, the name of a release or a hub id.
        precision: in which the latents are stored: float32, bfloat16 or float16.
    """

    def __init__(self, *, where: str | Path, precision: str) -> None:
        check_precision(precision)
        self._where, self._precision = str(where), precision

    def recipe(self) -> dict[str, Any]:
        """What latents depend on: the files, not the name they were found under."""
        return {"kind": "latents", "files": digests(self._where, "vae"), "precision": self._precision}

    def __call__(self, batch: ClipBatch) -> Mapping[str, Tensor]:
        """Latents of a batch of clips."""
        vae = _vae(self._where)
        weight = next(vae.parameters())
        latents = vae.encode(batch.video.to(weight.device, weight.dtype))
        return {"latents": latents.to(PRECISIONS[self._precision])}


class StoredText:
    """States of each clip's sentence, as `text` and `text_mask`.

    Args:
        where: the T5 and its tokenizer; None is where they are in `beside`.
        beside: the checkpoint of the video model.
        precision: in which the states are stored: float32, bfloat16 or float16.
    """

    def __init__(self, *, where: str | Path | None, beside: str | Path, precision: str) -> None:
        check_precision(precision)
        self._where, self._precision = str(beside if where is None else where), precision

    def recipe(self) -> dict[str, Any]:
        """What states depend on: weights, configuration and tokenizer."""
        return {"kind": "text", "files": digests(self._where, "text_encoder"), "precision": self._precision}

    def __call__(self, batch: ClipBatch) -> Mapping[str, Tensor]:
        """States of a batch of clips' sentences, filled up to the encoder's length, and the mask of the real ones."""
        states = _text_encoder(self._where).encode(list(batch.instructions))
        return {"text": states.embeddings.to(PRECISIONS[self._precision]), "text_mask": states.mask}


def release() -> None:
    """Forget the networks that were read: what comes next needs the memory."""
    _vae.cache_clear()
    _text_encoder.cache_clear()


@cache
def digests(where: str, part: str) -> tuple[str, ...]:
    """SHA-256 of each file of a part; read once per process.

    Raises:
        UserError: if there is no such part.
    """
    return tuple(file_digest(path) for path in part_files(locate(where, part), part))


@cache
def _vae(where: str) -> VideoVAE:
    dtype = choose_dtype("auto", part_files(locate(where, "vae"), "vae"), reader=False)
    return VideoVAE.from_pretrained(where, dtype=dtype).to(choose_device()).eval()


@cache
def _text_encoder(where: str) -> TextEncoder:
    files = part_files(locate(where, "text_encoder"), "text_encoder")
    return TextEncoder.from_pretrained(where, dtype=choose_dtype("auto", files, reader=True), device=choose_device())
