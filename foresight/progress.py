"""Callbacks that are called while long work goes on."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with what is done and the total: (3, 8)."""

StageProgress = Callable[[str, int, int], None]
"""Called with the name of a stage as well: ("sampling", 3, 8)."""


def silent(done: int, total: int) -> None:
    """Progress that nobody looks at."""


def silent_stage(stage: str, done: int, total: int) -> None:
    """Progress of stages that nobody looks at."""
