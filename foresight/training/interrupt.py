"""Ctrl-C in a training: the first one is remembered until the step is done, the second one acts at once."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any

NOTE = b"stopping after this step; Ctrl-C again stops at once\n"


class Interrupt:
    """Listens to SIGINT between `listen` and `ignore`; only in the main thread, and not where it is ignored already.

    Attributes:
        asked: whether it came.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None

    def listen(self) -> None:
        """Take over the signal."""
        self.asked = False
        if (
            threading.current_thread() is not threading.main_thread()
            or signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        ):
            return
        self._before = signal.signal(signal.SIGINT, self._hear)

    def ignore(self) -> None:
        """Give the signal back; nothing happens if it was not taken."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        os.write(1, NOTE)  # not print, which may be what was interrupted
