"""Writing a file so that it is either the old one or the new one, never half of either."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary file that takes the name `path` when the block ends without an exception.

    It bears its final name in a hidden folder `.{name}.{process}.tmp` beside `path`, so that the rename never crosses a
    filesystem, and is flushed to disk before the rename. The folder goes in any case, and whatever the writing library
    leaves beside the file is swept with that folder; on an exception `path` stays as it was.

    Raises:
        OSError: if the folder of `path` is missing or cannot be written.
    """
    path = Path(path)
    folder = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    folder.mkdir(exist_ok=True)
    try:
        temporary = folder / path.name
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
        _flush(path.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text to `path` in one step."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
