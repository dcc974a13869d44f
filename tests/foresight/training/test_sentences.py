"""Sentences that are encoded once, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from foresight.training.objectives.sentences import Sentences
from ltx.text import TextConditioning


class Letters:
    """A state for each letter, as long as the longest sentence of a call."""

    def encode(self, prompts: Sequence[str]) -> TextConditioning:
        length = max(map(len, prompts))
        states = torch.tensor([[[float(ord(letter))] for letter in each.ljust(length)] for each in prompts])
        return TextConditioning(
            states, torch.tensor([[place < len(each) for place in range(length)] for each in prompts])
        )


def test_sentences_of_different_calls_make_one_batch() -> None:
    """What was encoded at other lengths is filled up with nothing, and masked there."""
    sentences = Sentences(Letters())  # type: ignore[arg-type]
    sentences(["abc"], torch.device("cpu"))
    both = sentences(["x", "abc"], torch.device("cpu"))
    assert both.embeddings[..., 0].tolist() == [[120.0, 0.0, 0.0], [97.0, 98.0, 99.0]]
    assert both.mask.tolist() == [[True, False, False], [True, True, True]]
