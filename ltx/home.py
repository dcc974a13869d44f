"""The user's home where a path that was typed begins with `~`, which not every shell fills in."""

from __future__ import annotations

import os
from pathlib import Path


def at_home(path: str | Path) -> Path:
    """The path with a leading `~` or `~user` filled in; that of an unknown user stays as it is."""
    return Path(os.path.expanduser(path))
