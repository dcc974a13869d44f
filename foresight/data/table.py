"""The table beside a folder's videos: which clips there are, what is told in each, and where it begins."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import cast

from foresight.data.captions import caption, captioned
from foresight.data.columns import WANTED, renamed_columns
from foresight.data.rows import Row, read_rows
from foresight.errors import UserError
from ltx.home import at_home
from ltx.media.streams import StreamChoice

TABLES = ("metadata.jsonl", "metadata.csv", "metadata.tsv", "metadata.json")


@dataclass(frozen=True)
class ListedClip:
    """A row of the table.

    Args:
        path: of the video.
        instruction: what is done in the clip; empty if nothing is told.
        start: seconds into the video.
        where: the row, in words.
        reference: the video that an IC-LoRA is shown beside it; it begins at the same moment.
        stream: which of the file's videos, see `ltx.media.sample_video`.
    """

    path: Path
    instruction: str
    start: float
    where: str
    reference: Path | None = None
    stream: StreamChoice = "default"


def listed(folder: Path, stream: StreamChoice = "default") -> list[ListedClip]:
    """The rows of a folder's table, or without one its videos with the text files beside them.

    The instruction is the table's; where it has none, that of NAME.txt beside each video. What a table holds beside the
    columns that are read is named in a warning, and so are text files beside videos that it has words for.

    Tables are UTF-8, or UTF-16 with its byte order mark; CSV may use commas, semicolons, tabs or upright lines.

    Args:
        folder: of the videos and the table.
        stream: which of a file's videos is taken where its row does not say.

    Raises:
        UserError: if there is none, it is empty, a column has another name than those read, or a row is not complete.
    """
    tables = [folder / name for name in TABLES if (folder / name).is_file()]
    if not tables and (told := captioned(folder)):
        return [ListedClip(path, text, 0.0, f"{path.name} in {folder}", stream=stream) for path, text in told]
    if len(tables) != 1:
        raise UserError(
            expected=f"one table, {' or '.join(TABLES)}, in {folder}",
            got=", ".join(table.name for table in tables) or _instead(folder),
            remedy=f"write a row per clip with {WANTED}, or NAME.txt beside each video",
        )
    table = tables[0]
    rows = list(read_rows(table))
    if not rows:
        raise UserError(expected=f"at least one row in {table}", got="none", remedy="write a row per clip")
    names = renamed_columns(table, dict.fromkeys(name for row in rows for name in row.cells))
    rows = [Row({names.get(name, name): cell for name, cell in row.cells.items()}, row.where) for row in rows]
    wordless = not any("instruction" in row.cells for row in rows)
    clips = [_clip(folder, row, wordless, stream) for row in rows]
    _mention_captions(table, clips, wordless)
    _mention_repeats(table, clips)
    return clips


def _instead(folder: Path) -> str:
    if not folder.is_dir():
        return "no such folder"
    others = sorted(
        f.name for f in folder.iterdir() if f.suffix.lower() in {".csv", ".json", ".jsonl", ".tsv", ".xlsx"}
    )
    return f"none, but {', '.join(others[:3])}" if others else "none"


def _clip(folder: Path, row: Row, wordless: bool, stream: StreamChoice) -> ListedClip:
    path = _file(folder, row, "file_name")
    instruction = caption(path) if wordless else row.cells.get("instruction")
    if not isinstance(instruction, str):
        got = repr(row.cells["instruction"])[:60] if "instruction" in row.cells else "no instruction"
        beside = f", or write {path.with_suffix('.txt').name} beside it" if wordless else ""
        raise UserError(expected=f"{WANTED} in {row.where}", got=got, remedy=f'mend the row; "" tells nothing{beside}')
    _check_characters(instruction, row)
    shown = row.cells.get("reference") not in (None, "")
    return ListedClip(
        path=path,
        instruction=instruction,
        start=_start(row),
        where=row.where,
        reference=_file(folder, row, "reference") if shown else None,
        stream=_stream(row, stream),
    )


def _file(folder: Path, row: Row, column: str) -> Path:
    name = row.cells.get(column)
    if not isinstance(name, str):
        got = f"no {column}" if name is None else f"{column} {repr(name)[:60]}"
        raise UserError(expected=f"{WANTED} in {row.where}", got=got, remedy="mend the row")
    name = name.strip()
    if not name or "://" in name or "\0" in name:
        raise UserError(
            expected=f"a file in {row.where}", got=repr(name)[:80], remedy=f"name a file, as it lies in {folder}"
        )
    _check_characters(name, row)
    return _path(folder, name)


def _check_characters(text: str, row: Row) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UserError(
            expected=f"characters in {row.where}",
            got=f"half of one in {ascii(text)[:60]}",
            remedy="write the table anew with whole \\u pairs, or in plain UTF-8",
        )


def _path(folder: Path, name: str) -> Path:
    return at_home(name) if name.startswith("~/") else folder / name


def _start(row: Row) -> float:
    told = row.cells.get("start")
    if told is None or told == "":
        return 0.0
    try:
        plain = isinstance(told, int | float) and not isinstance(told, bool)
        start = float(told) if plain or (isinstance(told, str) and "_" not in told) else -1.0
    except (ValueError, OverflowError):
        start = -1.0
    if not (isfinite(start) and start >= 0):
        raise UserError(
            expected=f"start as seconds into the file, such as 2.5, in {row.where}",
            got=repr(told)[:60],
            remedy="mend the row",
        )
    return start


def _stream(row: Row, usual: StreamChoice) -> StreamChoice:
    told = row.cells.get("stream")
    if told is None or told == "":
        return usual
    # Spreadsheets write whole numbers as 1.0 where some cells of a column are empty.
    plain = isinstance(told, float) or (isinstance(told, str) and re.fullmatch(r"[0-9]{1,9}(\.0*)?", told))
    number = int(float(told)) if plain and float(told).is_integer() else told
    if number != "default" and (not isinstance(number, int) or isinstance(number, bool) or number < 0):
        raise UserError(
            expected=f"stream as the number of a video in the file, counted from 0, in {row.where}",
            got=repr(told)[:60],
            remedy="mend the row",
        )
    return cast(StreamChoice, number)


def _mention_captions(table: Path, clips: list[ListedClip], wordless: bool) -> None:
    beside = {clip.path for clip in clips if clip.path.with_suffix(".txt").is_file()}
    if wordless:
        warnings.warn(f"{table} has no instruction: what NAME.txt says beside each video is taken", stacklevel=3)
    elif beside:
        warnings.warn(
            f"{table} says what is done: the text files beside {len(beside)} of its videos are not read", stacklevel=3
        )


def _mention_repeats(table: Path, clips: list[ListedClip]) -> None:
    seen: set[tuple[Path, str, float, StreamChoice]] = set()
    again = []
    for number, clip in enumerate(clips, 1):
        key = (clip.path, clip.instruction, clip.start, clip.stream)
        if key in seen:
            again.append(number)
        seen.add(key)
    if again:
        rows = ", ".join(map(str, again[:5])) + (", …" if len(again) > 5 else "")
        warnings.warn(f"{table}: {len(again)} rows repeat an earlier one ({rows}) and count twice", stacklevel=3)
