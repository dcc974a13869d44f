"""Chat prompts around one video: texts, tokens, token types, and batches of different lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from foresight.vlm.vision import Medium, SeenVideo

NEXT = "What happens next?"
"""The question that ends the prompt of `encode`: its states gather what is about to happen."""

DESCRIBE = "Describe the video."

TOKEN_TYPES: dict[Medium, int] = {"image": 1, "video": 2}
"""Qwen's `mm_token_type_ids`; text is 0. Left out, positions silently become one-dimensional."""


@dataclass(frozen=True)
class Prompt:
    """Text around the video: the instruction before it, so that its tokens know it, the question after it.

    Raises:
        ValueError: if the question is empty.
    """

    question: str
    instruction: str = ""

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise ValueError("expected a question in words, got an empty one")

    def content(self, medium: Medium) -> list[dict[str, str]]:
        """The parts of the user's message: instruction, video, question."""
        told = self.instruction.strip()
        before = [{"type": "text", "text": told + "\n"}] if told else []
        return [*before, {"type": medium, medium: medium}, {"type": "text", "text": "\n" + self.question.strip()}]


@dataclass(frozen=True)
class TokenBatch:
    """Prompts as token ids, padded to one length."""

    ids: Int[Tensor, "batch length"]
    mask: Bool[Tensor, "batch length"]
    types: Int[Tensor, "batch length"]

    @property
    def vision(self) -> Bool[Tensor, "batch length"]:
        """True for vision tokens."""
        return self.types > 0

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> TokenBatch:
        """The same prompts on another device."""
        return TokenBatch(*(v.to(device, non_blocking=non_blocking) for v in (self.ids, self.mask, self.types)))


def chat_text(tokenizer: PreTrainedTokenizerBase, prompt: Prompt, *, medium: Medium) -> str:
    """The prompt in the model's chat format, with one placeholder for the video.

    Raises:
        ValueError: if a text holds a special token, or the tokenizer has no chat format.
    """
    for text in (prompt.instruction, prompt.question):
        found = [token for token in tokenizer.all_special_tokens if token in text]
        if found:
            raise ValueError(f"expected plain words in a prompt, got the special token {found[0]}: remove it")
    if tokenizer.chat_template is None:
        raise ValueError("expected a tokenizer with a chat template, got one without: use an instruction-tuned model")
    return render_chat(tokenizer, [{"role": "user", "content": prompt.content(medium)}])


def render_chat(tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, Any]]) -> str:
    """Messages in the model's chat format, up to where the assistant begins to speak."""
    return cast(str, tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def token_id(tokenizer: PreTrainedTokenizerBase, token: str) -> int:
    """The id of one special token.

    Raises:
        ValueError: if the tokenizer does not have it.
    """
    found = tokenizer.convert_tokens_to_ids(token)
    if not isinstance(found, int) or tokenizer.convert_ids_to_tokens(found) != token:
        raise ValueError(f"expected a tokenizer of Qwen2.5-VL with the token {token}, got one without it")
    return found


def text_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Token ids of a text, special tokens in it recognised, none added."""
    return cast(list[int], tokenizer.encode(text, add_special_tokens=False))


def tokenize(tokenizer: PreTrainedTokenizerBase, text: str, *, medium: Medium, vision_tokens: int) -> list[int]:
    """Token ids of a chat text whose placeholder is repeated once per vision token."""
    placeholder = f"<|{medium}_pad|>"
    before, after = text.split(placeholder)
    pads = [token_id(tokenizer, placeholder)] * vision_tokens
    # The placeholder is a special token, so the two sides never merge across it.
    return text_ids(tokenizer, before) + pads + text_ids(tokenizer, after)


def collate(
    rows: Sequence[Sequence[int]],
    *,
    pad: int,
    placeholder: int,
    medium: Medium,
    side: Literal["left", "right"],
    device: torch.device,
) -> TokenBatch:
    """Rows of ids as one batch, padded on one side."""
    length = max(len(row) for row in rows)
    ids = torch.full((len(rows), length), pad, dtype=torch.long)
    mask = torch.zeros((len(rows), length), dtype=torch.bool)
    for index, row in enumerate(rows):
        span = slice(0, len(row)) if side == "right" else slice(length - len(row), length)
        ids[index, span] = torch.tensor(list(row), dtype=torch.long)
        mask[index, span] = True
    types = torch.where(mask & (ids == placeholder), TOKEN_TYPES[medium], 0)
    return TokenBatch(ids.to(device), mask.to(device), types.to(device))


def batch_prompts(
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Prompt],
    seen: SeenVideo,
    *,
    side: Literal["left", "right"],
    endings: Sequence[Sequence[int]] = ((),),
) -> TokenBatch:
    """One prompt per clip, each followed by every ending: rows run over clips, then endings.

    Raises:
        ValueError: if there is not one prompt per clip.
    """
    if len(prompts) != len(seen):
        raise ValueError(f"expected one prompt per clip ({len(seen)}), got {len(prompts)}")
    rows = [
        tokenize(
            tokenizer,
            chat_text(tokenizer, prompt, medium=seen.medium),
            medium=seen.medium,
            vision_tokens=seen.tokens.shape[1],
        )
        for prompt in prompts
    ]
    pad = tokenizer.pad_token_id
    return collate(
        [[*row, *ending] for row in rows for ending in endings],
        pad=pad if isinstance(pad, int) else token_id(tokenizer, "<|endoftext|>"),
        placeholder=token_id(tokenizer, f"<|{seen.medium}_pad|>"),
        medium=seen.medium,
        side=side,
        device=seen.tokens.device,
    )
