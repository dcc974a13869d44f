"""`foresight evaluate`: run a benchmark on held-out data, print its table, and publish it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foresight.cli.console import console, print_table, progress_bar
from foresight.errors import UserError
from foresight.evaluation.benchmarks import Benchmark, Measured, Suite
from foresight.evaluation.tables import check_marks, publish, section
from foresight.report import Report, Table, write_page
from foresight.runs.directory import RunDirectory
from foresight.world.world_model import WorldModel


def evaluate(
    *,
    model: WorldModel,
    benchmark: Benchmark | Suite,
    page: str | Path | None,
    run: str | Path,
    replace: bool,
    config: Mapping[str, Any],
) -> list[Measured]:
    """Measure a world model.

    Args:
        model: the world model.
        benchmark: what to measure, or several.
        page: a Markdown file with marks `<!-- NAME -->`, NAME being each benchmark's, between which the tables are put;
            None publishes nothing.
        run: folder in which each benchmark's own folder is written.
        replace: whether a finished run of that name may be replaced.
        config: plain configuration, recorded.

    Raises:
        UserError: if the run has no name.
        ValueError: if the page lacks a mark.
    """
    if not str(run).strip():
        raise UserError(expected="the name of a folder", got=repr(str(run)), remedy="give run= a name")
    parts = benchmark.parts if isinstance(benchmark, Suite) else (benchmark,)
    if page is not None:
        for part in parts:
            check_marks(page, part.name)
    return [_measure(model, part, page, f"{run}/{part.name}", replace, config) for part in parts]


def _measure(
    model: WorldModel, benchmark: Benchmark, page: str | Path | None, run: str, replace: bool, config: Mapping[str, Any]
) -> Measured:
    with RunDirectory(run, replace=replace) as folder:
        with progress_bar(benchmark.name) as progress:
            measured = benchmark(model, progress)
        for title, rows in measured.shown.items():
            print_table(title, rows)
        folder.write_config(config)
        folder.write_environment()
        folder.write_metrics(measured.as_dict())
        write_page(folder / "report.html", _page(benchmark.name, measured))
        if page is not None:
            publish("\n\n".join(section(title, rows) for title, rows in measured.shown.items()), page, benchmark.name)
    console.print(f"run directory {folder.path}")
    return measured


def _page(name: str, measured: Measured) -> Report:
    tables = {
        title: Table(list(rows[0]), [list(row.values()) for row in rows]) for title, rows in measured.shown.items()
    }
    return Report(title=f"Benchmark: {name}", tables=tables, curves=measured.curves)
