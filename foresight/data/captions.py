"""Captions beside videos: `NAME.txt` for `NAME.mp4`, as trainers of video models are often given them."""

from __future__ import annotations

import warnings
from pathlib import Path

from foresight.errors import UserError

TABLES = (".csv", ".json", ".jsonl", ".tsv", ".xlsx")
"""Endings of files in which words may stand that were meant to be read."""
VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif")


def captioned(folder: Path) -> list[tuple[Path, str]]:
    """Each video of a folder with what its text file says; with nothing, and a word, where there are no words.

    Returns nothing where there are no videos, or no text files but something else that may hold the words.

    Raises:
        UserError: if some have one and others not, or one is not UTF-8.
    """
    if not folder.is_dir():
        return []
    videos = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in VIDEOS]
    alone = [path.name for path in videos if not path.with_suffix(".txt").is_file()]
    if len(alone) == len(videos):
        if not videos or any(path.suffix.lower() in TABLES for path in folder.iterdir()):
            return []
        warnings.warn(
            f"{folder} has no table and no NAME.txt beside its videos: nothing is told in any of the {len(videos)}",
            stacklevel=3,
        )
        return [(path, "") for path in videos]
    if alone:
        raise UserError(
            expected=f"a text file beside each of the {len(videos)} videos in {folder}",
            got=f"none for {', '.join(alone[:3])}{' …' if len(alone) > 3 else ''}",
            remedy="write NAME.txt for each (an empty one tells nothing), or one table for all",
        )
    return [(path, caption(path) or "") for path in videos]


def caption(video: Path) -> str | None:
    """Caption from the text file beside a video; None if there is none.

    Raises:
        UserError: if it is not UTF-8.
    """
    path = video.with_suffix(".txt")
    if not path.is_file():
        return None
    try:
        return " ".join(path.read_text(encoding="utf-8-sig").split())
    except (UnicodeDecodeError, OSError) as error:
        raise UserError(expected=f"UTF-8 text in {path}", got=str(error), remedy="save the caption as UTF-8") from error
