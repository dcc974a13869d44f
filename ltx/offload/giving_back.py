"""Memory that nothing uses any more, given back to the system: after a large model has been read, and when it rests.

Neither happens by itself. The C library keeps what was freed, gigabytes after the weights of a model have been cast;
and a page of a memory-mapped file, once read, counts as memory of the process until the system is short of it, which
batch systems that watch a process do not wait for.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MAPS = Path("/proc/self/smaps")
MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+) *(.*)")
DONTNEED = 4
"""`MADV_DONTNEED`: what is read from these pages next comes from the file again, mostly from the system's cache."""


def give_back() -> None:
    """Give back freed memory, and the pages of mapped weight files that nobody has written to. Linux only."""
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None, use_errno=True)
        for start, end in _unchanged(MAPS.read_text(encoding="utf-8", errors="replace")):
            library.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), DONTNEED)
        library.malloc_trim(0)


def _unchanged(maps: str) -> Iterator[tuple[int, int]]:
    """First and last address of each mapping of a weight file, of which no page was changed.

    A changed page is memory of the process alone, which the kernel calls anonymous: it is in no file to be read from.
    """
    place: tuple[int, int] | None = None
    changed = 0
    for line in [*maps.splitlines(), "0-0 ---p 0 0:0 0 "]:
        if found := MAPPING.fullmatch(line):
            if place is not None and not changed:
                yield place
            file = found[5].removesuffix(" (deleted)")
            place = (int(found[1], 16), int(found[2], 16)) if file.endswith(".safetensors") else None
            changed = 0
        elif line.startswith(("Anonymous:", "Swap:")):
            changed += int(line.split()[1])
