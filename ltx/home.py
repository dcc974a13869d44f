"""The user's home where a path that was typed begins with `~`, which not every shell fills in."""

from __future__ import annotations

import os
from pathlib import Path


def with_home(path: str | Path) -> str:
    """A path's text with a leading `~` or `~user` filled in; any other, and that of an unknown user, stays as it is."""
    return os.path.expanduser(path)


def at_home(path: str | Path) -> Path:
    """The same as a path."""
    return Path(with_home(path))
