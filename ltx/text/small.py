"""A small T5 of the real class with a tokenizer of its own: the text encoder of small models, and of tests."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from ltx.text.encoder import TextEncoder

if TYPE_CHECKING:
    from transformers import T5Tokenizer

SPECIAL = ("<pad>", "</s>", "<unk>")


def train_tokenizer(sentences: Sequence[str], *, vocabulary: int) -> T5Tokenizer:
    """A T5 tokenizer whose pieces are the sentences' words, the most frequent first.

    A Unigram model learned from few sentences would cut them into letters; whole words keep prompts short and their
    states apart. Every printable ASCII character is a piece too, so words that no sentence holds are spelled, not lost.

    Args:
        sentences: what to learn from.
        vocabulary: largest number of pieces, at least 128.

    Raises:
        ValueError: if there is no sentence or the vocabulary cannot hold the characters.
    """
    if not sentences or vocabulary < 128:
        raise ValueError(f"expected sentences and room for 128 tokens, got {len(sentences)} and {vocabulary}")
    characters = ["\N{LOWER ONE EIGHTH BLOCK}", *string.ascii_letters, *string.digits, *string.punctuation]
    words = Counter(word for sentence in sentences for word in sentence.split())
    room = vocabulary - len(SPECIAL) - len(characters)
    whole = ["\N{LOWER ONE EIGHTH BLOCK}" + word for word, _ in words.most_common(room)]
    # Log-probabilities: one whole word must be likelier than its letters one by one.
    pieces = [(piece, 0.0) for piece in SPECIAL]
    pieces += [(piece, -1.0) for piece in whole] + [(piece, -10.0) for piece in characters]
    from transformers import T5Tokenizer

    return T5Tokenizer(vocab=pieces, extra_ids=0)


def small_text_encoder(
    sentences: Sequence[str], *, width: int, layers: int, max_tokens: int, vocabulary: int, seed: int
) -> TextEncoder:
    """A randomly initialised T5 encoder and a tokenizer learned from sentences.

    Args:
        sentences: what the tokenizer learns from.
        width: channels of a token state, a multiple of 16.
        layers: blocks.
        max_tokens: tokens of a prompt.
        vocabulary: largest number of tokens.
        seed: of the weights.

    Raises:
        ValueError: if the width is no multiple of 16.
    """
    if width < 16 or width % 16:
        raise ValueError(f"expected a width that is a multiple of 16, got {width}")
    from transformers import T5Config, T5EncoderModel

    tokenizer = train_tokenizer(sentences, vocabulary=vocabulary)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=width,
        d_kv=16,
        d_ff=2 * width,
        num_layers=layers,
        num_heads=width // 16,
        dropout_rate=0.0,
        feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
        use_cache=False,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = T5EncoderModel(config)
    return TextEncoder(model, tokenizer, max_tokens=max_tokens)
