"""pytest in a fork of this process, over a copy of the tree and under limits.

Importing torch, transformers and Lightning takes longer than most test files do: a fork of a process that has imported
them begins at once. Nothing of the tree itself may be imported here.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import lightning.pytorch
import matplotlib.pyplot
import pytest
import torch
import transformers.models.qwen2_5_vl.modeling_qwen2_5_vl
import transformers.models.t5.modeling_t5

PRELOADED = (hypothesis, lightning.pytorch, matplotlib.pyplot, torch, transformers)

TIMEOUT = -signal.SIGXCPU
"""Status of tests that took too long; others have their exit status, or the negative number of a signal."""

WAITING = 20
"""Seconds of wall-clock time for each second of processor time: a test that sleeps for ever ends too."""


def run_pytest(
    tree: Path, arguments: Sequence[str], *, seconds: float, log: Path, plugins: Callable[[], list[Any]] = list
) -> int:
    """Run pytest in `tree` with at most so many seconds of processor time; what it prints goes to `log`."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 3
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 10))
            _enter(tree, log)
            scratch = ["-p", "no:cacheprovider", f"--basetemp={log.parent / 'tmp'}"]
            status = int(pytest.main([*scratch, *arguments], plugins=plugins()))
        finally:
            sys.stdout.flush()
            os._exit(status)
    deadline = time.monotonic() + 60 + WAITING * seconds
    ended = 0
    try:
        while not ended and time.monotonic() < deadline:
            time.sleep(0.1)
            ended, status = os.waitpid(child, os.WNOHANG)
    finally:
        if not ended:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if ended else TIMEOUT


def _enter(tree: Path, log: Path) -> None:
    """Make the copy what is imported, by this process and by those that its tests start."""
    os.chdir(tree)
    sys.path[:] = [str(tree), *sys.path[1:]]
    os.environ["PYTHONPATH"] = str(tree)
    for name in [name for name in sys.modules if name.split(".")[0] == "experiments"]:
        del sys.modules[name]
    # A mutant may be as long as the original and as new: no compiled file may stand for either.
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    # No deadline: a busy machine must not kill a mutant. The same examples for original and mutant.
    hypothesis.settings.register_profile("mutations", deadline=None, derandomize=True, database=None)
    hypothesis.settings.load_profile("mutations")
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
