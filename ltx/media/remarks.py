"""Remarks on a video beside its pictures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path


class Remarks:
    """Plain sentences, each kept once.

    Args:
        say: called with every new one at once.
    """

    def __init__(self, say: Callable[[str], None] | None = None) -> None:
        self._kept: dict[str, None] = {}
        self._say = say

    def add(self, sentence: str) -> None:
        """Keep a sentence, and say it, unless it was kept before."""
        if sentence not in self._kept:
            self._kept[sentence] = None
            if self._say is not None:
                self._say(sentence)

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)


def aloud(path: Path) -> Remarks:
    """Remarks on a file that are warned of as they come."""
    return Remarks(lambda sentence: warnings.warn(f"{path}: {sentence}", stacklevel=2))
