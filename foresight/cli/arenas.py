"""How the C library keeps freed memory, chosen before a command begins."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

M_ARENA_MAX = -8
ARENAS = 2


def few_arenas() -> None:
    """Let the threads of this process share two heaps (glibc; nothing elsewhere, nor where the user has said a number).

    By default each thread has a heap of its own and keeps there what was freed. Training through a transformer of
    3.8 GB on a CPU was measured to hold as much again in them; with two heaps it holds 0.4 GB, at the same speed.
    """
    if sys.platform.startswith("linux") and "MALLOC_ARENA_MAX" not in os.environ:
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)
