"""Prompt states kept on disk: a prompt is encoded once, for all runs and processes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ltx.files import replacing
from ltx.offload import at_rest, device_of
from ltx.text.conditioning import TextConditioning
from ltx.text.encoder import TextEncoder


class CachedTextEncoder:
    """A text encoder with a folder of finished prompts, one safetensors file for each.

    A file's name is the hash of everything that decides its content: weights and type of the model, vocabulary, length,
    and the prompt. Another model never finds it.

    Attributes:
        encoder: encodes what is not there yet.
        folder: where the files are; made if need be.
    """

    def __init__(self, encoder: TextEncoder, folder: str | Path) -> None:
        self.encoder = encoder
        self.folder = Path(folder)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the model and its tokenizer; reads every weight once."""
        digest = hashlib.sha256()
        words = json.loads(self.encoder.tokenizer.backend_tokenizer.to_str())
        # What the last call asked for is no property of the tokenizer.
        words = {name: value for name, value in words.items() if name not in ("padding", "truncation")}
        digest.update(f"{self.encoder.max_tokens}\n{json.dumps(words)}".encode())
        # Settings beyond the weights that change the states.
        config = self.encoder.model.config
        digest.update(f"{config.feed_forward_proj} {config.num_heads} {config.layer_norm_epsilon}".encode())
        at_rest(self.encoder.model)
        for name, tensor in sorted(self.encoder.model.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(memoryview(_bytes(tensor)))
        return digest.hexdigest()

    def path(self, prompt: str) -> Path:
        """File of a prompt."""
        key = hashlib.sha256(f"{self.fingerprint}\n{prompt.strip()}".encode()).hexdigest()
        return self.folder / f"{key}.safetensors"

    def encode(self, prompts: Sequence[str]) -> TextConditioning:
        """Token states of each prompt, on the encoder's device."""
        if isinstance(prompts, str) or not prompts:
            raise ValueError(f"expected a list of at least one prompt, got {prompts!r}")
        self.encoder.warn_of_cuts([prompt for prompt in prompts if self.path(prompt).is_file()])
        missing = [prompt for prompt in dict.fromkeys(prompts) if not self.path(prompt).is_file()]
        if missing:
            self._store(missing)
        device = str(device_of(self.encoder.model))
        found = [load_file(self.path(prompt), device=device) for prompt in prompts]
        return TextConditioning(
            torch.stack([row["embeddings"] for row in found]), torch.stack([row["mask"] for row in found])
        )

    def _store(self, prompts: Sequence[str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        encoded = self.encoder.encode(prompts)
        for row, prompt in enumerate(prompts):
            content = {"embeddings": encoded.embeddings[row].contiguous(), "mask": encoded.mask[row].contiguous()}
            with replacing(self.path(prompt)) as temporary:
                save_file(content, temporary)


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
