"""States of sentences on disk: each is encoded once, for all data, runs and processes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch

from foresight.data.cache import RowStore
from foresight.data.encoders import PRECISIONS, check_precision
from foresight.data.frozen import digests, frozen_text_encoder, release
from foresight.data.ragged import Ragged
from foresight.reproducibility.fingerprint import fingerprint
from ltx.text import TextConditioning

TEXT = "text"


class StoredSentences:
    """A text encoder whose states are kept by sentence; it is read only for sentences that are new.

    Args:
        where: the T5 and its tokenizer; None is where they are in `beside`.
        beside: the checkpoint of the video model.
        root: folder of caches.
        precision: in which the states are stored: float32, bfloat16 or float16.
    """

    def __init__(self, *, where: str | Path | None, beside: str | Path, root: str | Path, precision: str) -> None:
        check_precision(precision)
        self._where, self._root, self._precision = str(beside if where is None else where), Path(root), precision

    @cached_property
    def _store(self) -> RowStore:
        files = digests(self._where, "text_encoder")
        return RowStore(self._root, {"kind": "sentences", "files": files, "precision": self._precision})

    def prepare(self, sentences: Sequence[str]) -> None:
        """Encode those that are new; the encoder is forgotten again."""
        new = [sentence for sentence in dict.fromkeys(sentences) if _key(sentence) not in self._store]
        if not new:
            return
        encoder = frozen_text_encoder(self._where)
        rows = []
        for sentence in new:
            states = encoder.encode([sentence])
            rows.append(states.embeddings[0, states.mask[0]].to("cpu", PRECISIONS[self._precision]))
        self._store.write([_key(sentence) for sentence in new], new, 0.0, {TEXT: Ragged(rows, 0)})
        release()

    def encode(self, prompts: Sequence[str]) -> TextConditioning:
        """States of each sentence in float32, filled up to the longest, and the mask of the real ones.

        Raises:
            ValueError: if there is no sentence.
        """
        if isinstance(prompts, str) or not prompts:
            raise ValueError(f"expected a list of at least one sentence, got {prompts!r}")
        self.prepare(prompts)
        found = self._store.rows([_key(sentence) for sentence in prompts])[TEXT]
        assert isinstance(found, Ragged)
        states, mask = found.filled()
        return TextConditioning(states.to(torch.float32), mask)


def _key(sentence: str) -> str:
    return fingerprint({"sentence": sentence.strip()})[:32]
