"""Batches of equally many clips of one size, in shuffled order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from foresight.data.encode import caches_of
from foresight.data.resumable import ResumableData
from foresight.data.sentences import StoredSentences
from foresight.data.source import Source
from foresight.data.stream import StreamBatches


class StreamData(ResumableData[Source]):
    """Endless shuffled training batches and one pass of validation batches in order.

    Args:
        train: what to train on.
        validation: held out.
        batch: examples per batch and process.
        workers: see `ResumableData`.
        seed: of the order of the training data.
        text: keeps the states of what is told in the clips, which are encoded before training; None where nobody asks.
    """

    def __init__(
        self,
        *,
        train: Source,
        validation: Source,
        batch: int,
        workers: int,
        seed: int,
        text: StoredSentences | None = None,
    ) -> None:
        super().__init__(train=train, validation=validation, workers=workers, seed=seed)
        self.batch, self.text = batch, text

    def prepare_data(self) -> None:
        """Prepare both sources, then the states of every sentence and of the empty one."""
        super().prepare_data()
        if self.text is not None:
            told = [cache.instructions for source in (self.train, self.validation) for cache in caches_of(source)]
            self.text.prepare(["", *(sentence for sentences in told for sentence in sentences)])

    @property
    def settings(self) -> dict[str, Any]:
        """Examples per batch."""
        return {"batch": self.batch}

    def training_batches(self, start: int, rank: int, world: int) -> Iterable[list[int]]:
        """Endless batches of row numbers; see `StreamBatches`."""
        return StreamBatches(
            size=len(self.train), batch=self.batch, seed=self.seed, start=start, rank=rank, world=world
        )

    def batches_of_a_pass(self, world: int) -> int:
        """Whole batches of all rows."""
        return len(self.train) // (self.batch * world)

    def validation_batches(self, rank: int, world: int) -> list[list[int]]:
        """Every `world`-th row, in order."""
        rows = list(range(len(self.validation)))[rank::world]
        return [rows[i : i + self.batch] for i in range(0, len(rows), self.batch)]
