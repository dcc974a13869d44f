"""The T5 encoder of LTX-Video.

Every release reads T5 v1.1 XXL: prompts without outer whitespace, `</s>` at the end, padded on the right to 256 tokens,
and the padding masked inside T5 as well as in the transformer (without the inner mask the kept tokens attend to
padding, and their states differ).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ltx.dtypes import working_dtype
from ltx.offload import at_rest, at_work, device_of, dtype_of
from ltx.text.conditioning import TextConditioning
from ltx.text.files import MODEL_FOLDER, PUBLISHED, TOKENIZER_FOLDER, find_text, read_model, read_tokenizer
from ltx.values import check_finite

if TYPE_CHECKING:
    from transformers import T5EncoderModel, T5Tokenizer

MAX_TOKENS = 256


class TextEncoder:
    """Prompts to T5 states.

    Attributes:
        model: the encoder half of a T5.
        tokenizer: its tokenizer.
        max_tokens: tokens of a prompt, `</s>` included; longer prompts are cut, shorter ones padded.
        source: hub id and commit that the model was downloaded from; None for local files.
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
        self.source: str | None = None

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
        self.warn_of_cuts(prompts)
        batch = self.tokenizer(
            [prompt.strip() for prompt in prompts],
            padding="max_length",
            padding_side="right",
            max_length=self.max_tokens,
            truncation=True,
            return_tensors="pt",
        )
        device = device_of(self.model)
        ids, mask = batch.input_ids.to(device), batch.attention_mask.to(device)
        with at_work(self.model):
            states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        check_finite(states, f"the states of the text encoder, which computes in {dtype_of(self.model)}")
        return TextConditioning(states, mask.bool())

    def warn_of_cuts(self, prompts: Sequence[str]) -> None:
        """Say which words of a prompt lie beyond the limit and are not read."""
        for prompt in prompts:
            ids = self.tokenizer(prompt.strip()).input_ids
            if len(ids) > self.max_tokens:
                # Cut as `encode` does: the last kept token is </s>.
                lost = self.tokenizer.decode(ids[self.max_tokens - 1 :], skip_special_tokens=True)
                shown = lost if len(lost) <= 80 else f"{lost[:80]}…"
                warnings.warn(
                    f"a prompt of {len(ids)} tokens, {_beginning(prompt)}, is cut to {self.max_tokens}; "
                    f"not read: {shown!r}",
                    stacklevel=3,
                )

    def to(self, device: torch.device | str) -> TextEncoder:
        """The same encoder with its model moved to a device."""
        self.model.to(device)
        return self

    @classmethod
    def from_pretrained(
        cls,
        where: str | Path = PUBLISHED,
        *,
        tokenizer: str | Path | None = None,
        dtype: torch.dtype | str | None = None,
        device: torch.device | str = "cpu",
        revision: str | None = None,
    ) -> TextEncoder:
        """Read a T5 and its tokenizer from a folder, a file, a named model or a hub repository.

        Args:
            where: what holds `text_encoder/` and `tokenizer/`, a folder with both in one, or a single file of weights;
                a hub repository may end in `@revision`.
            tokenizer: the folder of another tokenizer; None is the one beside the weights, for a single file without
                one the published one.
            dtype: type of the weights or its name; None is the stored one.
            device: where to put the model.
            revision: commit, tag or branch of a hub id.

        Raises:
            CheckpointError: if weights or tokenizer are missing, or the weights do not fit the model exactly.
            ValueError: if the type is none to compute in.
        """
        target = working_dtype(dtype)
        files = find_text(where, revision, tokenizer)
        model = read_model(files, target, device)
        limit = int(getattr(model.config, "max_prompt_tokens", MAX_TOKENS))
        encoder = cls(model, read_tokenizer(files), max_tokens=limit)
        encoder.source = files.source
        return encoder

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `text_encoder/` and `tokenizer/` into a folder, for `from_pretrained` and for diffusers."""
        at_rest(self.model)
        self.model.config.max_prompt_tokens = self.max_tokens
        self.model.save_pretrained(Path(folder, MODEL_FOLDER))
        self.tokenizer.save_pretrained(Path(folder, TOKENIZER_FOLDER))


def _beginning(prompt: str) -> str:
    text = prompt.strip()
    return repr(text if len(text) <= 30 else f"{text[:30]}…")
