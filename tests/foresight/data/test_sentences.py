"""Sentences that are encoded once: as the text encoder says them, and without it from then on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from foresight.data import frozen
from foresight.data.sentences import StoredSentences
from ltx.text import TextEncoder


def stored(root: Path) -> StoredSentences:
    return StoredSentences(where=None, beside="foresight-tiny", root=root, precision="float32")


def test_states_are_those_of_the_encoder_and_it_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the batch, real tokens have their states; a second process needs no encoder, not even for others."""
    sentences = ["the red ball is pushed to the left", "", "nothing is pushed"]
    stored(tmp_path).prepare(sentences)
    assert not frozen._held, "the encoder is forgotten"
    expected = TextEncoder.from_pretrained("foresight-tiny", dtype=torch.float32).encode(sentences)

    def unread(*_: object, **__: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr("foresight.data.frozen.TextEncoder.from_pretrained", unread)
    found = stored(tmp_path).encode(sentences)
    lengths = expected.mask.sum(dim=1)
    assert torch.equal(found.mask.sum(dim=1), lengths) and found.mask.shape[1] == int(lengths.max())
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(found.embeddings[row, :length], expected.embeddings[row, :length])
        assert not found.embeddings[row, length:].any()
    with pytest.raises(AssertionError, match="read again"):
        stored(tmp_path).encode(["another sentence"])
    with pytest.raises(ValueError, match="list of at least one sentence"):
        stored(tmp_path).encode([])
