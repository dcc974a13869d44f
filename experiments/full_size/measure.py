"""A command as a process of its own: how long it takes, and the most memory it ever has."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PAUSE = 0.2
"""Seconds between two looks at a process."""


@dataclass(frozen=True)
class Measured:
    """Cost of a command.

    Args:
        peak: bytes in memory at most, pages of mapped files among them, as the kernel counts them.
        own: bytes at most without pages of files, which the kernel may take back; seen by looking.
        seconds: from start to end.
        said: what it printed, errors too.
    """

    peak: int
    own: int
    seconds: float
    said: str


class CommandFailed(RuntimeError):
    """A command ended with an error, or was stopped because of its memory."""


def measured(words: Sequence[str], *, folder: Path, limit: int) -> Measured:
    """Run a command.

    Args:
        words: of the command.
        folder: to run it in.
        limit: bytes; a command that has more is killed.

    Raises:
        CommandFailed: if it ends with an error, or takes more memory.
    """
    log = folder / "said.txt"
    began = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(words, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
    watcher = _Watcher(process.pid, limit)
    watcher.start()
    process.wait()
    watcher.ended.set()
    watcher.join()
    said = log.read_text(encoding="utf-8", errors="replace")
    if watcher.over or process.returncode:
        why = f"took more than {limit / 1e9:.3g} GB" if watcher.over else f"ended with {process.returncode}"
        raise CommandFailed(f"{' '.join(words[:4])} … {why}: {said[-2000:]}")
    return Measured(watcher.peak, watcher.own, time.perf_counter() - began, said)


class _Watcher(threading.Thread):
    """Looks at a process until it ends, and kills it when it has too much."""

    def __init__(self, pid: int, limit: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.limit = pid, limit
        self.peak, self.own, self.over = 0, 0, False
        self.ended = threading.Event()

    def run(self) -> None:
        """Until the process has ended."""
        while not self.ended.wait(PAUSE):
            found = memory(self.pid)
            self.own = max(self.own, found.get("RssAnon", 0))
            self.peak = max(self.peak, found.get("VmHWM", 0))
            if found.get("RssAnon", 0) > self.limit:
                self.over = True
                os.kill(self.pid, 9)
                return


def memory(pid: int) -> dict[str, int]:
    """Memory of a process by the kernel's account, in bytes; empty for one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith(" kB")}
