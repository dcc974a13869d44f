"""The log of a training: one table for the whole run, however often it was stopped and gone on with."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from ltx.files import write_text

FILE = "metrics.csv"

Row = dict[str, str]


class MetricsLog(Logger):
    """Writes `metrics.csv`: a row for each time something is logged, a column for each metric.

    What stands there already stays. A training that goes on from a checkpoint comes once more through the steps between
    that checkpoint and its stop; their rows are replaced when they are logged again. Each row is in the file at once,
    so that a killed run has it.

    Args:
        folder: where the table lies; made when needed.
    """

    def __init__(self, *, folder: str) -> None:
        super().__init__()
        self.path = Path(folder) / FILE
        self._rows: list[Row] | None = None
        self._columns: frozenset[str] = frozenset()
        """Of the table as it was written by this process; none before."""

    @property
    def name(self) -> str:
        """Of the folder."""
        return self.path.parent.name

    @property
    def version(self) -> str:
        """There is one."""
        return ""

    @property
    def save_dir(self) -> str:
        """The folder."""
        return str(self.path.parent)

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing: the run folder holds the configuration."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add or replace a row: that of a step with the same metrics."""
        if self._rows is None:
            self._rows = read(self.path)
        row = {**{name: str(float(value)) for name, value in metrics.items()}, "step": str(step)}
        if "epoch" in metrics:
            row["epoch"] = str(int(metrics["epoch"]))
        kept = [old for old in self._rows if old["step"] != row["step"] or old.keys() != row.keys()]
        appended = row.keys() <= self._columns and len(kept) == len(self._rows)
        self._rows = [*kept, row]
        if appended:
            with self.path.open("a", encoding="utf-8", newline="") as file:
                file.write(table([row], self._columns, header=False))
        else:
            self._columns = frozenset().union(*self._rows)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_text(self.path, table(self._rows, self._columns, header=True))


def read(path: Path) -> list[Row]:
    """The rows of a table, empty cells left out; none if there is no table. A line that a kill cut short is dropped."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    rows = [{name: value for name, value in row.items() if value} for row in csv.DictReader(io.StringIO(whole))]
    return [row for row in rows if "step" in row]


def table(rows: list[Row], columns: frozenset[str], *, header: bool) -> str:
    """Rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, sorted(columns), lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
