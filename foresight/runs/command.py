"""The command that makes a run again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

_WORDS: ContextVar[tuple[str, ...] | None] = ContextVar("words", default=None)


@contextmanager
def given(words: Sequence[str]) -> Iterator[None]:
    """While the block runs, `command` is `foresight` with these words."""
    token = _WORDS.set(tuple(words))
    try:
        yield
    finally:
        _WORDS.reset(token)


def command() -> str:
    """The command line as it may be typed again; empty where a run is written by Python."""
    words = _WORDS.get()
    return "" if words is None else shlex.join(["foresight", *words])
