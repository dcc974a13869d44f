"""Frozen networks on disk as encoders of a feature cache: read when a clip is not in it yet, and never otherwise.

What they make depends on their files, whose hash is the key; a finished cache needs no network at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from foresight.data.batch import ClipBatch
from foresight.data.cache import Output
from foresight.data.frozen import digests, frozen_text_encoder, frozen_vae, frozen_vlm
from foresight.data.ragged import Ragged
from foresight.data.wording import Wording
from foresight.reproducibility.randomness import keyed_generator
from foresight.vlm.folder import find_qwen
from foresight.vlm.preprocess import patching_of
from foresight.vlm.preprocessing_files import read_preprocessing
from foresight.world.domain import drawn_by
from foresight.world.reference import locate
from foresight.world.sizes import text_width, vlm_sizes
from ltx.checkpoint.source import open_part
from ltx.offload import device_of, dtype_of
from ltx.shapes import VideoShape
from ltx.vae import VAEConfig
from ltx.vae.part import VAE

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
WORDS = 40
"""Tokens of a prompt beside the video's, about."""


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
        """Dependencies of latents: the files, not the name they were found under."""
        return {"kind": "latents", "files": digests(self._where, "vae"), "precision": self._precision}

    def row_bytes(self, shape: VideoShape, frame_rate: float) -> int:
        """Channels of every latent place."""
        config = VAEConfig.from_dict(open_part(locate(self._where, "vae"), VAE).fields)
        return shape.latent.tokens * config.latent_channels * PRECISIONS[self._precision].itemsize

    def drawer(self) -> dict[str, Any]:
        """The files."""
        return {"kind": "latents", "files": digests(self._where, "vae")}

    def reconstruct(self, video: Tensor) -> Tensor:
        """Videos in [−1, 1] after encoding and decoding."""
        return drawn_by(frozen_vae(self._where), video)

    def __call__(self, batch: ClipBatch) -> Mapping[str, Output]:
        """Latents of a batch of clips."""
        vae = frozen_vae(self._where)
        latents = vae.encode(batch.video.to(device_of(vae), dtype_of(vae)))
        return {"latents": latents.to(PRECISIONS[self._precision])}


class StoredText:
    """States of each clip's sentence, as `text`; no more than its real tokens are stored.

    Args:
        where: the T5 and its tokenizer; None is where they are in `beside`.
        beside: the checkpoint of the video model.
        precision: in which the states are stored: float32, bfloat16 or float16.
    """

    def __init__(self, *, where: str | Path | None, beside: str | Path, precision: str) -> None:
        check_precision(precision)
        self._where, self._precision = str(beside if where is None else where), precision

    def recipe(self) -> dict[str, Any]:
        """Dependencies of states: weights, configuration and tokenizer."""
        return {"kind": "text", "files": digests(self._where, "text_encoder"), "precision": self._precision}

    def row_bytes(self, shape: VideoShape, frame_rate: float) -> int:
        """States of a sentence of some length."""
        return WORDS * text_width(self._where) * PRECISIONS[self._precision].itemsize

    def __call__(self, batch: ClipBatch) -> Mapping[str, Output]:
        """States of a batch of clips' sentences."""
        states = frozen_text_encoder(self._where).encode(list(batch.instructions))
        stored = states.embeddings.to(PRECISIONS[self._precision])
        return {"text": Ragged([row[mask] for row, mask in zip(stored, states.mask.bool(), strict=True)], 0)}


class StoredFeatures:
    """VLM features of each clip's context and instruction, as `vlm_tokens`, `vlm_patches` and so on.

    The instruction is worded by chance, as a function of the clip's seed alone. Prompts differ in length; no more than
    their real tokens are stored.

    Args:
        where: the VLM: a folder, a hub id or the name of the embedded model.
        layers: which hidden states an adapter reads.
        wording: how instructions are varied.
        context: frames that it is shown.
        precision: in which states are stored: float32, bfloat16 or float16; places stay float32.
    """

    def __init__(
        self, *, where: str | Path, layers: Sequence[int], wording: Wording, context: int, precision: str
    ) -> None:
        check_precision(precision)
        if context < 1:
            raise ValueError(f"expected a context of at least one frame, got {context}")
        self._where, self._layers, self._wording = str(where), [int(layer) for layer in layers], wording
        self._context, self._precision = context, precision

    def recipe(self) -> dict[str, Any]:
        """Dependencies of features: weights, vocabulary, chat format and preprocessing; layers, frames and words."""
        return {
            "kind": "features",
            "files": digests(self._where, "vlm"),
            "layers": self._layers,
            "wording": self._wording.recipe(),
            "context": self._context,
            "precision": self._precision,
        }

    def row_bytes(self, shape: VideoShape, frame_rate: float) -> int:
        """Patches and merged tokens of the frames that are shown, and about as many words as a sentence has."""
        folder, sizes = find_qwen(self._where), vlm_sizes(self._where)
        patching = patching_of(folder.config)
        preprocessing = read_preprocessing(folder.path, patching)
        frames = len(preprocessing.sample(self._context, frame_rate).indices)
        height, width = preprocessing.size(frames, shape.height, shape.width, patching)
        patches = -(-frames // patching.temporal) * (height // patching.patch) * (width // patching.patch)
        tokens = patches // patching.merge**2 + WORDS
        states = tokens * len(self._layers) * sizes.hidden_size + patches * sizes.vision_size
        return states * PRECISIONS[self._precision].itemsize + 13 * tokens + 12 * patches

    def __call__(self, batch: ClipBatch) -> Mapping[str, Output]:
        """Features of a batch of clips.

        Raises:
            ValueError: if a clip is shorter than the context.
        """
        if batch.video.shape[2] < self._context:
            raise ValueError(f"expected clips of at least {self._context} frames, got {batch.video.shape[2]}")
        vlm = frozen_vlm(self._where, self._layers)
        sentences = [self._worded(text, seed) for text, seed in zip(batch.instructions, batch.seeds, strict=True)]
        shown = batch.video[:, :, : self._context].contiguous()
        features = vlm.encode(shown, sentences, frame_rate=batch.frame_rate)
        stored = PRECISIONS[self._precision]
        masks = features.mask.bool()
        return {
            "vlm_tokens": Ragged([row[:, m].to(stored) for row, m in zip(features.tokens, masks, strict=True)], 1),
            "vlm_vision": Ragged([row[m] for row, m in zip(features.vision, masks, strict=True)], 0),
            "vlm_coordinates": Ragged([row[:, m] for row, m in zip(features.coordinates, masks, strict=True)], 1),
            "vlm_patches": features.patches.to(stored),
            "vlm_patch_coordinates": features.patch_coordinates,
        }

    def _worded(self, instruction: str, seed: int) -> str:
        wordings = self._wording(instruction)
        return wordings[int(torch.randint(len(wordings), (), generator=keyed_generator("wording", seed)))]


def check_precision(precision: str) -> None:
    """Refuse what is no type to store in.

    Raises:
        ValueError: naming those that are.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"expected a precision out of {', '.join(PRECISIONS)}; got {precision!r}")
