"""The table beside a folder's videos: which clips there are, what is told in each, and where it begins."""

from __future__ import annotations

import csv
import io
import json
import re
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Any

from foresight.data.captions import captioned
from foresight.errors import UserError
from ltx.home import at_home

TABLES = ("metadata.jsonl", "metadata.csv", "metadata.tsv", "metadata.json")
COLUMNS = ("file_name", "instruction", "start", "reference")
WANTED = "file_name, instruction and, if a clip does not begin with its file, start in seconds"
DELIMITERS = ",;\t|"

# These say what is meant, and are read.
SAME = {**{name: name for name in COLUMNS}, **dict.fromkeys(["start_time", "start_sec", "start_secs"], "start")}
SAME |= dict.fromkeys(["start_s", "start_second", "start_seconds"], "start")
SAME |= dict.fromkeys(["reference_path", "reference_video"], "reference")
# These may mean it, or frames, or milliseconds, and are refused.
OTHER_NAMES = {
    "file_name": "file filename filepath path video videos clip name media image url",
    "instruction": "instructions caption captions text prompt description label sentence narration command task action",
    "start": "begin begins beginning onset offset from since seek time timestamp t t0",
}
UNITS = {"s", "sec", "secs", "second", "seconds", "ms", "msec", "milliseconds", "us", "ns", "frame", "frames", "id"}


@dataclass(frozen=True)
class ListedClip:
    """A row of the table.

    Args:
        path: of the video.
        instruction: what is done in the clip; empty if nothing is told.
        start: seconds into the video.
        where: the row, in words.
        reference: the video that an IC-LoRA is shown beside it; it begins at the same moment.
    """

    path: Path
    instruction: str
    start: float
    where: str
    reference: Path | None = None


@dataclass(frozen=True)
class _Row:
    cells: dict[str, Any]
    where: str


def listed(folder: Path) -> list[ListedClip]:
    """The rows of a folder's table, or without one its videos with the text files beside them.

    What a table holds beside these columns is named in a warning.

    Tables are UTF-8, or UTF-16 with its byte order mark; CSV may use commas, semicolons, tabs or upright lines.

    Raises:
        UserError: if there is none, it is empty, a column has another name than those read, or a row is not complete.
    """
    tables = [folder / name for name in TABLES if (folder / name).is_file()]
    if not tables and (told := captioned(folder)):
        return [ListedClip(path, text, 0.0, f"{path.name} in {folder}") for path, text in told]
    if len(tables) != 1:
        raise UserError(
            expected=f"one table, {' or '.join(TABLES)}, in {folder}",
            got=", ".join(table.name for table in tables) or _instead(folder),
            remedy=f"write a row per clip with {WANTED}, or NAME.txt beside each video",
        )
    table = tables[0]
    rows = list(_rows(table))
    if not rows:
        raise UserError(expected=f"at least one row in {table}", got="none", remedy="write a row per clip")
    names = _columns(table, dict.fromkeys(name for row in rows for name in row.cells))
    clips = [_clip(folder, _Row({names.get(k, k): v for k, v in row.cells.items()}, row.where)) for row in rows]
    _mention_repeats(table, clips)
    return clips


def _instead(folder: Path) -> str:
    if not folder.is_dir():
        return "no such folder"
    others = sorted(
        f.name for f in folder.iterdir() if f.suffix.lower() in {".csv", ".json", ".jsonl", ".tsv", ".xlsx"}
    )
    return f"none, but {', '.join(others[:3])}" if others else "none"


def _rows(table: Path) -> Iterator[_Row]:
    text = _text(table)
    if table.suffix == ".json":
        content = _json(text, str(table))
        if not isinstance(content, list):
            raise UserError(
                expected=f"a list of rows in {table}", got=type(content).__name__, remedy="write [{…}, {…}]"
            )
        for number, cells in enumerate(content, 1):
            yield _json_row(cells, f"row {number} of {table}")
    elif table.suffix == ".jsonl":
        # By line feeds alone: text may hold the other characters that Python takes for line ends.
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        for row, (number, line) in enumerate(lines, 1):
            where = f"row {row} (line {number}) of {table}"
            yield _json_row(_json(line, where), where)
    else:
        yield from _csv_rows(table, text)


def _text(table: Path) -> str:
    try:
        content = table.read_bytes()
    except OSError as error:
        raise UserError(
            expected=f"a readable table at {table}", got=str(error.strerror), remedy="check its permissions"
        ) from error
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if encoding == "utf-8-sig" and b"\0" in content:
        raise UserError(
            expected=f"text in {table}",
            got="bytes of value 0, as in UTF-16 without its mark",
            remedy="save it as UTF-8",
        )
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            expected=f"{encoding[:6].rstrip('-')} text in {table}",
            got=f"a byte 0x{content[error.start]:02x} in line {line} that is none",
            remedy="save the table as UTF-8",
        ) from error


def _json(text: str, where: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError(f"a name twice in {[name for name, _ in pairs]}")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise UserError(
            expected=f"JSON that can be read as a table in {where}",
            got=str(error),
            remedy="mend it; one object per row",
        ) from error


def _json_row(cells: Any, where: str) -> _Row:
    if not isinstance(cells, dict):
        raise UserError(expected=f"{WANTED} in {where}", got=repr(cells)[:60], remedy="write an object per row")
    return _Row({name.strip(): value for name, value in cells.items()}, where)


def _csv_rows(table: Path, text: str) -> Iterator[_Row]:
    head = text.lstrip("\r\n").splitlines()[:1]
    if head and (told := re.fullmatch(r'"?sep=(.)"?', head[0].strip())):
        text = text.lstrip("\r\n")[len(head[0]) :]
        delimiter = told[1]
    else:
        delimiter = "\t" if table.suffix == ".tsv" else max(DELIMITERS, key=(head or [""])[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] | None = None
    row = 0
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if names is None:
                names = _names(table, cells, delimiter)
                continue
            row += 1
            where = f"row {row} (line {reader.line_num}) of {table}"
            _check_cells(names, cells, delimiter, where)
            yield _Row({name: cell.strip() for name, cell in zip(names, cells, strict=True) if name}, where)
    except csv.Error as error:
        raise UserError(
            expected=f"cells in which quotes are closed and doubled, in line {reader.line_num} of {table}",
            got=str(error),
            remedy='write "…" around a cell and "" for a quote in it',
        ) from error


def _names(table: Path, cells: list[str], delimiter: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    plain = [_plain(name) for name in names]
    if not any(SAME.get(name) or _meant(name) for name in plain):
        raise UserError(
            expected=f"a first line with the names of columns, {delimiter.join(COLUMNS[:2])}, in {table}",
            got=repr(delimiter.join(cells)[:80]),
            remedy="write it above the rows, and nothing above it",
        )
    if twice := {name for name in names if name and names.count(name) > 1}:
        raise UserError(
            expected=f"every column once in {table}", got=f"{', '.join(sorted(twice))} twice", remedy="keep one of them"
        )
    return names


def _check_cells(names: list[str], cells: list[str], delimiter: str, where: str) -> None:
    """Raise `UserError` where a cell may be the rest of the one before it, cut at a delimiter that is not in quotes."""
    blanks = {cell[0] == " " for cell in cells[1:] if cell}
    nameless = [cell for name, cell in list(zip(names, cells, strict=False))[1:] if not name and cell]
    if len(cells) != len(names) or nameless or (len(blanks) == 2 and delimiter != "\t"):
        shown = "a tab" if delimiter == "\t" else f"'{delimiter}'"
        raise UserError(
            expected=f"{len(names)} cells, as there are columns, in {where}",
            got=f"{len(cells)}: {delimiter.join(cells)[:80]!r}",
            remedy=f'put a cell that holds {shown} in quotes: "…"',
        )


def _columns(table: Path, present: Collection[str]) -> dict[str, str]:
    """Columns to read under another name; warns of these and of what is not read."""
    renamed: dict[str, str] = {}
    unread = []
    for name in present:
        plain = _plain(name)
        meant = SAME.get(plain) or _meant(plain)
        if name in COLUMNS:
            continue
        if meant is None or meant in present or meant in renamed.values():
            unread.append(name)
        elif plain in SAME:
            renamed[name] = meant
        else:
            unit = ", in seconds," if meant == "start" else ""
            raise UserError(
                expected=f"columns {WANTED} in {table}",
                got=f"a column {name!r}",
                remedy=f"call it {meant}{unit} if that is what it says, or take it out",
            )
    said = [f"{name} is read as {meant}" for name, meant in renamed.items()]
    said += [f"not read: {', '.join(unread)}"] if unread else []
    if said:
        warnings.warn(f"{table}: {'; '.join(said)}; columns are {WANTED}", stacklevel=3)
    return renamed


def _plain(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return re.sub(r"[^a-z0-9]+", "_", words).strip("_")


def _meant(plain: str) -> str | None:
    """The column that a name comes near to."""
    parts = plain.split("_")
    if parts[0].startswith("start") or parts[-1] == "start":
        return "start"
    for column, others in OTHER_NAMES.items():
        known = others.split()
        if plain.replace("_", "") == column.replace("_", "") or sorted(plain) == sorted(column):
            return column
        if set(parts) & set(known) and set(parts) <= {*known, *UNITS}:
            return column
    close = get_close_matches(plain, COLUMNS, n=1, cutoff=0.85)
    return close[0] if close else None


def _clip(folder: Path, row: _Row) -> ListedClip:
    for name in ("file_name", "instruction"):
        if not isinstance(row.cells.get(name), str):
            got = repr(row.cells[name])[:60] if name in row.cells else f"no {name}"
            raise UserError(expected=f"{WANTED} in {row.where}", got=got, remedy='mend the row; "" tells nothing')
    name = row.cells["file_name"].strip()
    if not name or "://" in name or "\0" in name:
        raise UserError(
            expected=f"a file in {row.where}", got=repr(name)[:80], remedy=f"name a file, as it lies in {folder}"
        )
    for text in (name, row.cells["instruction"]):
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise UserError(
                expected=f"characters in {row.where}",
                got=f"half of one in {ascii(text)[:60]}",
                remedy="write the table anew with whole \\u pairs, or in plain UTF-8",
            )
    reference = str(row.cells.get("reference") or "").strip()
    return ListedClip(
        _path(folder, name),
        row.cells["instruction"],
        _start(row),
        row.where,
        _path(folder, reference) if reference else None,
    )


def _path(folder: Path, name: str) -> Path:
    return at_home(name) if name.startswith("~/") else folder / name


def _start(row: _Row) -> float:
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


def _mention_repeats(table: Path, clips: list[ListedClip]) -> None:
    seen: set[tuple[Path, str, float]] = set()
    again = []
    for number, clip in enumerate(clips, 1):
        key = (clip.path, clip.instruction, clip.start)
        if key in seen:
            again.append(number)
        seen.add(key)
    if again:
        rows = ", ".join(map(str, again[:5])) + (", …" if len(again) > 5 else "")
        warnings.warn(f"{table}: {len(again)} rows repeat an earlier one ({rows}) and count twice", stacklevel=3)
