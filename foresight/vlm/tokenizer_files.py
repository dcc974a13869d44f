"""The tokenizer of a Qwen2.5-VL's folder, with the chat template from whichever file holds it, checked to belong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from foresight.errors import UserError
from foresight.vlm.folder import QwenFolder
from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.read import read_object

TEMPLATES = ("chat_template.json", "processor_config.json")
"""Files of processors that may hold a chat template; tokenizers keep it in chat_template.jinja or their own file."""

TOKENS = {
    "image_token_id": "<|image_pad|>",
    "video_token_id": "<|video_pad|>",
    "vision_start_token_id": "<|vision_start|>",
    "vision_end_token_id": "<|vision_end|>",
}
"""Special tokens that the configuration names by number."""


def read_tokenizer(folder: QwenFolder) -> PreTrainedTokenizerBase:
    """The tokenizer with its chat template.

    Raises:
        UserError: if a file is missing or damaged, there is no chat template, or the tokenizer is another model's.
        CheckpointError: if a JSON file is damaged.
    """
    path = folder.path
    if not (path / "tokenizer.json").is_file() and not all((path / n).is_file() for n in ("vocab.json", "merges.txt")):
        raise UserError(
            expected=f"tokenizer.json, or vocab.json and merges.txt, in {path}",
            got="neither",
            remedy="copy the tokenizer's files from the model's release",
        )
    tokenizer = _read(path)
    if tokenizer.chat_template is None:
        tokenizer.chat_template = _template(path)
    _check(tokenizer, folder)
    return tokenizer


def _read(path: Path) -> PreTrainedTokenizerBase:
    try:
        found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(str(path), trust_remote_code=False)
    except Exception as error:  # the tokenizers library raises plain exceptions
        raise UserError(
            expected=f"the tokenizer of a Qwen2.5-VL in {path}",
            got=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason'}",
            remedy="copy the tokenizer's files from the model's release",
        ) from error
    return found


def _template(path: Path) -> str:
    for name in TEMPLATES:
        if (path / name).is_file():
            found = read_object(path / name).get("chat_template")
            if isinstance(found, dict):
                found = found.get("default")
            if isinstance(found, str) and found.strip():
                return found
    raise UserError(
        expected=f"a chat template in {path} (chat_template.jinja, tokenizer_config.json, {', '.join(TEMPLATES)})",
        got="none",
        remedy="use an instruction-tuned model, or copy chat_template.json from its release",
    )


def _check(tokenizer: PreTrainedTokenizerBase, folder: QwenFolder) -> None:
    """Refuse a tokenizer whose ids are not those that the model was trained with, as far as the two files tell."""
    fields: dict[str, Any] = folder.fields
    text = fields.get("text_config")
    rows = fields.get("vocab_size") or (text.get("vocab_size") if isinstance(text, dict) else None)
    problems = [
        f"{token} is {found}, not {fields[name]}"
        for name, token in TOKENS.items()
        if isinstance(fields.get(name), int) and (found := tokenizer.convert_tokens_to_ids(token)) != fields[name]
    ]
    if isinstance(rows, int) and len(tokenizer) > rows:
        problems.append(f"it has {len(tokenizer)} tokens, the model {rows}")
    if problems:
        raise UserError(
            expected=f"the tokenizer that belongs to the model in {folder.path}",
            got=f"another: {'; '.join(problems)}",
            remedy="copy the tokenizer's files from the model's release",
        )
    _check_words(tokenizer, folder.path)


def _check_words(tokenizer: PreTrainedTokenizerBase, path: Path) -> None:
    """Refuse a tokenizer that text does not survive: a damaged vocabulary splits or loses words without an error."""
    said = "The red ball is pushed to the left, 3 times: naïve 球!"
    again = tokenizer.decode(tokenizer.encode(said, add_special_tokens=False), clean_up_tokenization_spaces=False)
    if again != said:
        raise CheckpointError(
            f"the tokenizer in {path} is damaged: it reads {said!r} as {again!r}; copy its files from the release"
        )
