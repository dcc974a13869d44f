"""Division of a folder's files into training, validation and calibration: no file is in two of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from foresight.data.table import TABLES, ListedClip, listed
from foresight.errors import UserError
from ltx.media.streams import StreamChoice

SHARES = {"validation": 0.1, "calibration": 0.2}
"""Of the files, at least one each; the rest is "train"."""
SPLITS = ("train", *SHARES)


def split_rows(folder: Path, split: str, stream: StreamChoice = "default") -> tuple[list[ListedClip], str]:
    """The rows of a part of a folder, and how they were divided, in words; empty if the user did it.

    Where the folder holds subfolders of these names, each has its own videos and table. Else the files of the folder
    are divided by the hash of their names: always alike, and all clips of a file on one side.
    `stream` is that of `listed`.

    Raises:
        UserError: if the part is none of `SPLITS`, or there are too few files to divide.
    """
    if split not in SPLITS:
        raise UserError(expected=f"a part out of {', '.join(SPLITS)}", got=repr(split), remedy="choose one of them")
    own = any((folder / name).is_dir() for name in SPLITS) and not any((folder / name).is_file() for name in TABLES)
    if own or not folder.is_dir():
        return listed(folder / split, stream), ""
    rows = listed(folder, stream)
    files = sorted({_name(row, folder) for row in rows}, key=lambda name: sha256(name.encode()).digest())
    if len(files) < len(SPLITS):
        raise UserError(
            expected=f"at least {len(SPLITS)} files in {folder}, to divide them into {', '.join(SPLITS)}",
            got=str(len(files)),
            remedy=f"add videos, or make subfolders {', '.join(SPLITS)} yourself",
        )
    chosen = set(_share(files, split))
    return [row for row in rows if _name(row, folder) in chosen], f"{len(chosen)} of {len(files)} files for {split}"


def _name(row: ListedClip, folder: Path) -> str:
    """Of a row's file, whatever it is called in the row: from the folder, so that the folder may be moved."""
    return os.path.relpath(row.path.resolve(), folder.resolve())


def _share(files: Sequence[str], split: str) -> Sequence[str]:
    first = 0
    for name, share in SHARES.items():
        count = max(1, round(share * len(files)))
        if name == split:
            return files[first : first + count]
        first += count
    return files[first:]
