"""Prompts to the states that the video model attends to."""

from ltx.text.cache import CachedTextEncoder
from ltx.text.conditioning import EncodesText, TextConditioning
from ltx.text.encoder import TextEncoder
from ltx.text.small import small_text_encoder, train_tokenizer

__all__ = [
    "CachedTextEncoder",
    "EncodesText",
    "TextConditioning",
    "TextEncoder",
    "small_text_encoder",
    "train_tokenizer",
]
