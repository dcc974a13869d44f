"""Tables and progress for people, on one shared console."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from foresight.errors import printable
from foresight.progress import Progress

if TYPE_CHECKING:
    from ltx.offload.placement import Placement


class _Screen(Console):
    """Falls silent when nobody reads any more, as in `foresight … | head`: what is computed shall still be written.

    Sentences are left to the terminal to break: paths and commands in them stay whole where they are copied.
    """

    def print(self, *objects: Any, **how: Any) -> None:
        how.setdefault("soft_wrap", all(isinstance(one, str) for one in objects))
        super().print(*objects, **how)

    def on_broken_pipe(self) -> None:
        with suppress(SystemExit):
            super().on_broken_pipe()


# Brackets and colons are people's own words here, no markup.
console = _Screen(highlight=False, markup=False, emoji=False)


def print_table(title: str, rows: Sequence[Mapping[str, str]]) -> None:
    """Print rows that share their keys; the first column is text, the others are numbers."""
    table = Table(title=title, title_justify="left")
    for index, name in enumerate(rows[0]):
        table.add_column(name, justify="left" if index == 0 else "right", overflow="fold")  # no word is cut off
    for row in rows:
        table.add_row(*map(printable, row.values()))
    console.print(table)


SECONDS = 30.0
"""Between two lines of progress where there is no terminal."""


def say_placement(placement: Placement | None) -> None:
    """Say in a line where models are, how they compute and what leaves the device."""
    if placement is not None:
        console.print(placement.says)


@contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """A progress bar on a terminal, a line now and then elsewhere; yields a callback of (done, total)."""
    if not sys.stderr.isatty():
        yield _lines(label)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ProgressBar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(label: str) -> Progress:
    began = told = time.monotonic()
    first: int | None = None

    def say(done: int, total: int) -> None:
        nonlocal told, first
        now = time.monotonic()
        first = done if first is None else first
        if now - told < SECONDS or done <= first:
            return
        left = timedelta(seconds=int((now - began) / (done - first) * (total - done)))
        print(f"{label}: {done} of {total} · {left} left", file=sys.stderr, flush=True)
        told = now

    return say
