"""Columns of a table of clips: which are read, under which names, and which are refused since they may be meant."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

from foresight.errors import UserError

COLUMNS = ("file_name", "instruction", "start", "reference", "stream")
WANTED = "file_name, instruction and, if a clip does not begin with its file, start in seconds"

# These say what is meant, and are read.
SAME = {**{name: name for name in COLUMNS}, **dict.fromkeys(["start_time", "start_sec", "start_secs"], "start")}
SAME |= dict.fromkeys(["start_s", "start_second", "start_seconds"], "start")
SAME |= dict.fromkeys(["reference_path", "reference_video"], "reference")
SAME |= dict.fromkeys(["caption", "text", "prompt"], "instruction")
# These may mean it, or frames, or milliseconds, and are refused.
OTHER_NAMES = {
    "file_name": "file filename filepath path video videos clip name media image url",
    "instruction": "instructions caption captions text prompt description label sentence narration command task action",
    "stream": "stream",
    "start": "begin begins beginning onset offset from since seek time timestamp t t0",
}
UNITS = {"s", "sec", "secs", "second", "seconds", "ms", "msec", "milliseconds", "us", "ns", "frame", "frames", "id"}


def renamed_columns(table: Path, present: Collection[str]) -> dict[str, str]:
    """Columns to read under another name; warns of these and of what is not read.

    A column under its own name goes before those that say the same.

    Raises:
        UserError: if one may mean a column that is read, or two say the same one.
    """
    others = [name for name in present if name not in COLUMNS]
    renamed: dict[str, str] = {}
    for name in others:
        meant = SAME.get(plain_name(name))
        if meant is None or meant in present:
            continue
        if meant in renamed.values():
            raise UserError(
                expected=f"one column that says the {meant} in {table}",
                got=", ".join([*(key for key in renamed if renamed[key] == meant), name]),
                remedy=f"call the one that is meant {meant}; the others are then left out",
            )
        renamed[name] = meant
    unread = [name for name in others if name not in renamed]
    for name in unread:
        near = meant_column(plain_name(name))
        if near is not None and near not in present and near not in renamed.values():
            unit = ", in seconds," if near == "start" else ""
            raise UserError(
                expected=f"columns {WANTED} in {table}",
                got=f"a column {name!r}",
                remedy=f"call it {near}{unit} if that is what it says, or take it out",
            )
    said = [f"{name} is read as {meant}" for name, meant in renamed.items()]
    said += [f"not read: {', '.join(unread)}"] if unread else []
    if said:
        warnings.warn(f"{table}: {'; '.join(said)}; columns are {WANTED}", stacklevel=4)
    return renamed


def plain_name(name: str) -> str:
    """Lower case, with one underscore for whatever else parts the words."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return re.sub(r"[^a-z0-9]+", "_", words).strip("_")


def meant_column(plain: str) -> str | None:
    """The column that a plain name comes near to."""
    parts = plain.split("_")
    if parts[0].startswith("start") or parts[-1] == "start":
        return "start"
    for column, others in OTHER_NAMES.items():
        known = others.split()
        if plain.replace("_", "") == column.replace("_", "") or (
            plain[:1] == column[0] and sorted(plain) == sorted(column)
        ):
            return column
        if set(parts) & set(known) and set(parts) <= {*known, *UNITS}:
            return column
    close = get_close_matches(plain, COLUMNS, n=1, cutoff=0.85)
    return close[0] if close else None
