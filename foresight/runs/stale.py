"""Temporary folders that killed writers have left behind (see `ltx.files.replacing`)."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

_TEMPORARY = re.compile(r"^\..+\.(?P<pid>\d+)\.tmp$")


def sweep(folder: Path) -> list[Path]:
    """Remove the temporary folders of processes that no longer run; returns what was removed."""
    removed = []
    for path in folder.glob(".*.tmp"):
        match = _TEMPORARY.match(path.name)
        if match and not _alive(int(match["pid"])):
            shutil.rmtree(path, ignore_errors=True)
            removed.append(path)
    return removed


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
