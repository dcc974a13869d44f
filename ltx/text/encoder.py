"""The T5 encoder of LTX-Video.

Every release reads T5 v1.1 XXL: prompts without outer whitespace, `</s>` at the end, padded on the right to 256 tokens,
and the padding masked inside T5 as well as in the transformer (without the inner mask the kept tokens attend to
padding, and their states differ).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import huggingface_hub
import torch
from safetensors import SafetensorError
from transformers import T5EncoderModel, T5Tokenizer

from ltx.checkpoint.errors import CheckpointError, listed
from ltx.checkpoint.hub import cards, commit_of, pinned, resolve, warn_unpinned
from ltx.text.conditioning import TextConditioning
from ltx.values import check_finite, not_finite

MODEL_FOLDER, TOKENIZER_FOLDER = "text_encoder", "tokenizer"
MAX_TOKENS = 256
# Where the official configurations take T5 from; their checkpoint files hold no text encoder.
PUBLISHED = "PixArt-alpha/PixArt-XL-2-1024-MS"


class TextEncoder:
    """Prompts to T5 states.

    Attributes:
        model: the encoder half of a T5.
        tokenizer: its tokenizer.
        max_tokens: tokens of a prompt, `</s>` included; longer prompts are cut, shorter ones padded.
        commit: of the hub repository that the model was read from; None if it was not.
    """

    def __init__(self, model: T5EncoderModel, tokenizer: T5Tokenizer, *, max_tokens: int) -> None:
        if max_tokens < 1:
            raise ValueError(f"expected at least 1 token for a prompt, got {max_tokens}")
        if len(tokenizer) > model.config.vocab_size:
            raise ValueError(
                f"expected a tokenizer of at most {model.config.vocab_size} tokens, the rows of the model's embedding, "
                f"got {len(tokenizer)}"
            )
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.max_tokens = max_tokens
        self.commit: str | None = None

    @property
    def width(self) -> int:
        """Channels of a token state: what the transformer's `caption_channels` must be."""
        return int(self.model.config.d_model)

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> TextConditioning:
        """Token states of each prompt and the mask of its own tokens.

        Raises:
            ValueError: if a single string is given instead of a list, or no prompt, or states that are not finite
                come of it, as of a T5 in float16.
        """
        if isinstance(prompts, str) or not prompts:
            raise ValueError(f"expected a list of at least one prompt, got {prompts!r}")
        batch = self.tokenizer(
            [prompt.strip() for prompt in prompts],
            padding="max_length",
            padding_side="right",
            max_length=self.max_tokens,
            truncation=True,
            return_tensors="pt",
        )
        ids, mask = batch.input_ids.to(self.model.device), batch.attention_mask.to(self.model.device)
        states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        check_finite(states, f"the states of the text encoder, which computes in {self.model.dtype}")
        return TextConditioning(states, mask.bool())

    def to(self, device: torch.device | str) -> TextEncoder:
        """The same encoder with its model moved to a device."""
        self.model.to(device)
        return self

    @classmethod
    def from_pretrained(
        cls,
        where: str | Path = PUBLISHED,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str = "cpu",
        revision: str | None = None,
    ) -> TextEncoder:
        """Read `text_encoder/` and `tokenizer/` from a folder, a named model or a hub repository.

        Args:
            where: what holds the two folders; a hub repository may end in `@revision`.
            dtype: type of the weights; None is the stored one.
            device: where to put the model.
            revision: commit, tag or branch of a hub id.

        Raises:
            CheckpointError: if a folder is missing, or the weights do not fit the model exactly.
        """
        root, at = _locate(where, revision)
        options: dict[str, Any] = {} if isinstance(root, Path) else {"revision": at}
        try:
            loaded: Any = T5EncoderModel.from_pretrained(
                str(root),
                subfolder=MODEL_FOLDER,
                dtype=dtype or "auto",
                use_safetensors=True,
                # Reported below by name, like missing and left-over ones; else transformers names none.
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                **options,
            )
            tokenizer = T5Tokenizer.from_pretrained(str(root), subfolder=TOKENIZER_FOLDER, **options)
        except (OSError, ValueError, SafetensorError) as error:
            raise CheckpointError(f"cannot read a T5 text encoder from {where}: {error}") from error
        model, report = loaded
        problems = {name: sorted(map(str, keys)) for name, keys in report.items() if keys and name.endswith("_keys")}
        if problems:
            raise CheckpointError(f"the text encoder of {where} does not fit its configuration: {problems}")
        limit = int(getattr(model.config, "max_prompt_tokens", MAX_TOKENS))
        if broken := not_finite(model.state_dict()):
            raise CheckpointError(f"NaN or infinite values in the text encoder of {where}: {listed(broken)}")
        encoder = cls(model.to(device), tokenizer, max_tokens=limit)
        if not isinstance(root, Path):
            file = huggingface_hub.try_to_load_from_cache(root, f"{MODEL_FOLDER}/config.json", revision=at)
            encoder.commit = commit_of(Path(file)) if isinstance(file, str) else None
            warn_unpinned(root, at, encoder.commit)
        return encoder

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `text_encoder/` and `tokenizer/` into a folder, for `from_pretrained` and for diffusers."""
        self.model.config.max_prompt_tokens = self.max_tokens
        self.model.save_pretrained(Path(folder, MODEL_FOLDER))
        self.tokenizer.save_pretrained(Path(folder, TOKENIZER_FOLDER))


def _locate(where: str | Path, revision: str | None) -> tuple[Path | str, str]:
    """A folder on this disk, or a hub repository; and the revision to use for the latter."""
    if not Path(where).exists():
        name, revision = pinned(where, revision)
        card = cards().get(name)
        if card is not None and card.repo is not None:
            return card.repo, revision or card.revision
        if card is None and "/" in name:
            return name, revision or "main"
    root = resolve(where, MODEL_FOLDER)
    for name in (MODEL_FOLDER, TOKENIZER_FOLDER):
        if not (root / name).is_dir():
            raise CheckpointError(f"expected a folder {name}/ in {root} (official files hold no text encoder)")
    return root, "main"
