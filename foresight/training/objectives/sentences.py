"""Sentences as states, each encoded once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ltx.text import EncodesText, TextConditioning


class Sentences:
    """A frozen text encoder that remembers what it has encoded, for a closed set of sentences.

    Args:
        encoder: encodes what is new, in its own precision whatever training runs in.
    """

    def __init__(self, encoder: EncodesText) -> None:
        self._encoder = encoder
        self._known: dict[str, tuple[Tensor, Tensor]] = {}

    def __call__(self, sentences: Sequence[str], device: torch.device) -> TextConditioning:
        """States of the sentences on a device."""
        new = [sentence for sentence in dict.fromkeys(sentences) if sentence not in self._known]
        if new:
            with torch.autocast(device.type, enabled=False):
                states = self._encoder.encode(new)
            self._known |= {s: (states.embeddings[i].clone(), states.mask[i].clone()) for i, s in enumerate(new)}
        # Each has the length of what it was encoded with; what is filled up is masked.
        rows = [self._known[sentence] for sentence in sentences]
        told = pad_sequence([row for row, _ in rows], batch_first=True)
        return TextConditioning(told, pad_sequence([mask for _, mask in rows], batch_first=True)).to(device)


class DroppedText:
    """Sentences of a batch, each replaced by the empty one by chance while training.

    Args:
        encoder: frozen.
        dropout: probability, in [0, 1].
    """

    def __init__(self, encoder: EncodesText, dropout: float) -> None:
        if not 0 <= dropout <= 1:
            raise ValueError(f"expected a dropout in [0, 1], got {dropout}")
        self._sentences, self._dropout = Sentences(encoder), dropout

    def __call__(self, sentences: Sequence[str], generator: torch.Generator, *, training: bool) -> TextConditioning:
        """States of the sentences on the generator's device; outside training all are told."""
        told = list(sentences)
        if training and self._dropout > 0:
            draws = torch.rand(len(told), generator=generator, device=generator.device).tolist()
            told = ["" if draw < self._dropout else sentence for sentence, draw in zip(told, draws, strict=True)]
        return self._sentences(told, generator.device)
