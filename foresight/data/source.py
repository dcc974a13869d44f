"""Source of a data module: an indexed collection that is prepared once and says what it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from foresight.data.batch import ClipBatch, FeatureBatch
from ltx.shapes import VideoShape


class Source(Protocol):
    """An indexed collection of training examples."""

    def prepare(self) -> None:
        """Make on disk what is missing; called once, by one process, before anything is read."""
        ...

    def recipe(self) -> dict[str, Any]:
        """Everything the content depends on, as JSON-able data: the key of what is computed from it."""
        ...

    def __len__(self) -> int: ...

    def __getitems__(self, indices: Sequence[int]) -> ClipBatch | FeatureBatch:
        """The batch of the given rows."""
        ...


class ClipSource(Protocol):
    """A source of videos."""

    def prepare(self) -> None:
        """Make on disk what is missing."""
        ...

    def recipe(self) -> dict[str, Any]:
        """Everything the content depends on."""
        ...

    def row_recipes(self) -> Sequence[Any]:
        """Everything each clip depends on by itself, as JSON-able data: the key of what is computed from it."""
        ...

    @property
    def shape(self) -> VideoShape:
        """Of every clip."""
        ...

    @property
    def frame_rate(self) -> float:
        """Frames per second of every clip."""
        ...

    def __len__(self) -> int: ...

    def __getitems__(self, indices: Sequence[int]) -> ClipBatch:
        """The batch of the given rows."""
        ...
