"""Markdown tables, and their place in a page between two marks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path


def markdown(rows: Sequence[Mapping[str, str]]) -> str:
    """A Markdown table; the first row's keys are the header.

    Raises:
        ValueError: if there are no rows, or a row has other columns.
    """
    if not rows:
        raise ValueError("expected at least one row for a table, got none")
    header = list(rows[0])
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    for row in rows:
        if list(row) != header:
            raise ValueError(f"expected the columns {header} in every row, got {list(row)}")
        lines.append("| " + " | ".join(row[column].replace("|", "\\|") for column in header) + " |")
    return "\n".join(lines)


LONG = 20
"""Rows from which on a table is folded away in a page that shows several."""


def section(title: str, rows: Sequence[Mapping[str, str]]) -> str:
    """A Markdown table under its title; a long one folded, so that the page can be read past it.

    Raises:
        ValueError: as for `markdown`.
    """
    table = markdown(rows)
    if len(rows) < LONG:
        return f"**{title}**\n\n{table}"
    return f"<details><summary><b>{title}</b> ({len(rows)} rows)</summary>\n\n{table}\n\n</details>"


def check_marks(page: str | Path, name: str) -> None:
    """Refuse a page without its marks, before the text is computed.

    Raises:
        ValueError: if the page does not have the two marks of that name exactly once.
    """
    _place(Path(page).read_text(encoding="utf-8"), page, name)


def publish(text: str, page: str | Path, name: str) -> None:
    """Put a text between `<!-- NAME -->` and `<!-- /NAME -->` of a page.

    Raises:
        ValueError: if the page does not have the two marks exactly once.
    """
    page = Path(page)
    old = page.read_text(encoding="utf-8")
    start, end = _place(old, page, name)
    page.write_text(f"{old[:start]}{text}\n{old[end:]}", encoding="utf-8")


def _place(old: str, page: str | Path, name: str) -> tuple[int, int]:
    """Start and end of the text between the marks."""
    found = list(re.finditer(rf"<!-- {re.escape(name)} -->\n(.*?)<!-- /{re.escape(name)} -->", old, re.DOTALL))
    if len(found) != 1:
        raise ValueError(f"expected the marks <!-- {name} --> and <!-- /{name} --> once in {page}, found {len(found)}")
    return found[0].span(1)
