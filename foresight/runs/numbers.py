"""Numbered names of runs: `runs/predict-#` is the next one that is free."""

from __future__ import annotations

import re
from pathlib import Path

PLACE = "#"
"""Last letter of a name that is numbered."""


def numbered(where: str | Path) -> str:
    """The name with its last `#` replaced by one more than the highest number in use; any other name as it is.

    Runs that are being written count, too, so that two that begin one after the other keep apart.
    """
    text = str(where)
    if not text.endswith(PLACE):
        return text
    path = Path(text)
    stem = path.name.removesuffix(PLACE)
    used = re.compile(rf"^\.?{re.escape(stem)}(\d+)(\.partial|\.old)?$")
    found = [used.match(other.name) for other in path.parent.iterdir()] if path.parent.is_dir() else []
    highest = max((int(match[1]) for match in found if match), default=0)
    return text.removesuffix(PLACE) + str(highest + 1)
