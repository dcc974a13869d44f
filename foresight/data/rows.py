"""Rows of a table beside videos, whatever wrote it: JSON, JSON lines, or CSV of any spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foresight.data.columns import COLUMNS, SAME, WANTED, meant_column, plain_name
from foresight.errors import UserError

DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Row:
    """A row as it stands in a table.

    Args:
        cells: by the names of columns, without the blanks around these.
        where: in words.
    """

    cells: dict[str, Any]
    where: str


def read_rows(table: Path) -> Iterator[Row]:
    """The rows of metadata.jsonl, .json, .csv or .tsv.

    Raises:
        UserError: if the table cannot be read as what its ending says, in one line with the place.
    """
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


def _json_row(cells: Any, where: str) -> Row:
    if not isinstance(cells, dict):
        raise UserError(expected=f"{WANTED} in {where}", got=repr(cells)[:60], remedy="write an object per row")
    return Row({name.strip(): value for name, value in cells.items()}, where)


def _csv_rows(table: Path, text: str) -> Iterator[Row]:
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
            yield Row({name: cell.strip() for name, cell in zip(names, cells, strict=True) if name}, where)
    except csv.Error as error:
        raise UserError(
            expected=f"cells in which quotes are closed and doubled, in line {reader.line_num} of {table}",
            got=str(error),
            remedy='write "…" around a cell and "" for a quote in it',
        ) from error


def _names(table: Path, cells: list[str], delimiter: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    plain = [plain_name(name) for name in names]
    if not any(SAME.get(name) or meant_column(name) for name in plain):
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
