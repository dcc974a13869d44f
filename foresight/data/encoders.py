"""Frozen networks as encoders of a feature cache."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from adapters.types import VLMFeatures
from foresight.data.batch import CachedBatch, ClipBatch
from foresight.data.fingerprint import weights_fingerprint
from foresight.data.wording import Wording
from foresight.training.randomness import keyed_generator
from foresight.vlm.encoder import QwenEncoder
from ltx.vae import VideoVAE

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class LatentEncoder:
    """Normalised latents of the whole clip, as `latents`: the mean of the posterior.

    Args:
        vae: the autoencoder.
        precision: in which the latents are stored: float32, bfloat16 or float16.
    """

    def __init__(self, *, vae: VideoVAE, precision: str) -> None:
        check_precision(precision)
        self._vae = vae.eval()
        self._precision = precision

    def recipe(self) -> dict[str, Any]:
        """What latents depend on; the decoder may be trained further without making them stale."""
        return {
            "kind": "latents",
            "config": self._vae.config.to_dict(),
            "encoder": weights_fingerprint(self._vae.encoder),
            "statistics": weights_fingerprint(self._vae.per_channel_statistics),
            "precision": self._precision,
        }

    def __call__(self, batch: ClipBatch) -> Mapping[str, Tensor]:
        """Latents of a batch of clips."""
        device = next(self._vae.parameters()).device
        return {"latents": self._vae.encode(batch.video.to(device)).to(PRECISIONS[self._precision])}


FEATURES = tuple(field.name for field in fields(VLMFeatures))


class FeatureEncoder:
    """What a VLM makes of the beginning of each clip and its instruction, as `vlm_tokens`, `vlm_mask` and so on.

    The instruction is worded by chance, as a function of the clip's seed alone. Prompts differ in length, so rows are
    filled up with masked zeros.

    Args:
        vlm: the encoder, with the layers that an adapter reads.
        wording: how instructions are varied.
        context: frames that it is shown.
        length: tokens of a row; no prompt may be longer.
        precision: in which states are stored: float32, bfloat16 or float16; places stay float32.
    """

    def __init__(self, *, vlm: QwenEncoder, wording: Wording, context: int, length: int, precision: str) -> None:
        check_precision(precision)
        if context < 1 or length < 1:
            raise ValueError(f"expected at least one frame and one token, got context {context} and length {length}")
        self._vlm, self._wording = vlm.eval(), wording
        self._context, self._length, self._precision = context, length, precision

    def recipe(self) -> dict[str, Any]:
        """What features depend on: weights, vocabulary and chat format, layers, frames and words."""
        tokenizer = self._vlm.tokenizer
        words = f"{tokenizer.chat_template}\n{sorted(tokenizer.get_vocab().items())}"
        return {
            "kind": "features",
            "weights": weights_fingerprint(self._vlm.model),
            "config": self._vlm.model.config.to_diff_dict(),
            "tokenizer": hashlib.sha256(words.encode()).hexdigest(),
            "layers": list(self._vlm.layers),
            "policy": asdict(self._vlm.policy),
            "wording": self._wording.recipe(),
            "context": self._context,
            "length": self._length,
            "precision": self._precision,
        }

    def __call__(self, batch: ClipBatch) -> Mapping[str, Tensor]:
        """Features of a batch of clips.

        Raises:
            ValueError: if a clip is shorter than the context, or a prompt longer than a row.
        """
        if batch.video.shape[2] < self._context:
            raise ValueError(f"expected clips of at least {self._context} frames, got {batch.video.shape[2]}")
        sentences = [self._worded(text, seed) for text, seed in zip(batch.instructions, batch.seeds, strict=True)]
        shown = batch.video[:, :, : self._context].contiguous()
        features = self._vlm.encode(shown, sentences, frame_rate=batch.frame_rate)
        missing = self._length - features.mask.shape[1]
        if missing < 0:
            raise ValueError(
                f"expected prompts of at most {self._length} tokens, got {features.mask.shape[1]}: raise length"
            )
        stored = PRECISIONS[self._precision]
        # What stands at masked places depends on the other clips of the batch: rows must not.
        tokens = torch.where(features.mask[:, None, :, None], features.tokens, 0)
        rows = {
            "tokens": F.pad(tokens, (0, 0, 0, missing)).to(stored),
            "mask": F.pad(features.mask, (0, missing)),
            "vision": F.pad(features.vision, (0, missing)),
            "coordinates": F.pad(features.coordinates, (0, missing)),
            "patches": features.patches.to(stored),
            "patch_coordinates": features.patch_coordinates,
        }
        return {f"vlm_{name}": value for name, value in rows.items()}

    def _worded(self, instruction: str, seed: int) -> str:
        wordings = self._wording(instruction)
        return wordings[int(torch.randint(len(wordings), (), generator=keyed_generator("wording", seed)))]


def features_of(batch: CachedBatch) -> VLMFeatures:
    """The features that a `FeatureEncoder` has put into a cache.

    Raises:
        ValueError: if the cache holds none.
    """
    return VLMFeatures(**{name: batch[f"vlm_{name}"] for name in FEATURES})


def check_precision(precision: str) -> None:
    """Refuse what is no type to store in.

    Raises:
        ValueError: naming those that are.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"expected a precision out of {', '.join(PRECISIONS)}; got {precision!r}")
