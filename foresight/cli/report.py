"""`foresight report`: draw the page of a finished run again, or compare several benchmark runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foresight.cli.console import console, print_table
from foresight.cli.page import draw_page
from foresight.errors import UserError, fault
from foresight.report import Report, Table, write_page
from foresight.report.prediction import PredictionReport
from foresight.results import Comparison, Results, compare, load
from foresight.runs.output import RunOutput
from foresight.runs.received import ReceivedRun


def report(
    *,
    run: str | Path | None,
    runs: Sequence[str | Path],
    methods: Sequence[str] | None,
    output: str | Path,
    replace: bool,
    config: dict[str, Any],
) -> Path:
    """Write `report.html` of a prediction's run from its metrics.json and videos, or a comparison of benchmark runs.

    A folder may be anybody's: links in it are not followed, and in a prediction's nothing but the page is written.

    Args:
        run: the run directory of a prediction.
        runs: of benchmarks, at least two; each is compared with the first.
        methods: whose per-clip values are compared; None takes all that both runs have.
        output: run directory of the comparison.
        replace: true if a finished comparison of that name may be replaced.
        config: plain configuration, recorded.

    Returns:
        The page.

    Raises:
        UserError: if there is no such run, it holds links, its metrics are not those of a prediction, or runs have
            nothing in common.
    """
    if (run is None) == (not runs):
        raise UserError(
            expected="one run, or several benchmark runs", got="both" if runs else "none", remedy="name a run directory"
        )
    if run is not None:
        return _drawn_again(run)
    return _compared([load(one) for one in runs], methods, RunOutput(output, replace, config))


def _drawn_again(run: str | Path) -> Path:
    received = ReceivedRun(run)
    target = received.path / "report.html"
    try:
        draw_page(received.path, PredictionReport.from_dict(received.json("metrics.json")), target)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, StopIteration) as error:
        raise UserError(
            expected=f"a run of `foresight predict` in {received.path}",
            got=fault(error),
            remedy="name a finished run directory",
        ) from error
    console.print(f"wrote {target}")
    return target


def _compared(runs: Sequence[Results], methods: Sequence[str] | None, output: RunOutput) -> Path:
    if len(runs) < 2:
        raise UserError(expected="at least two runs to compare", got="one", remedy="name another")
    first, *others = runs
    found = {f"{other.path} − {first.path}": compare(first, other, methods=methods) for other in others}
    with output.directory() as folder:
        output.record(folder, {"comparisons": {title: [_record(one) for one in rows] for title, rows in found.items()}})
        tables = {title: [comparison_row(one) for one in rows] for title, rows in found.items()}
        for title, rows in tables.items():
            print_table(title, rows)
        write_page(folder / "report.html", _page(runs, tables))
    console.print(f"run directory {folder.path}")
    return folder.path / "report.html"


def comparison_row(one: Comparison) -> dict[str, str]:
    """Row of a table; a difference whose interval leaves out 0 is marked."""
    digits = ".3g"
    return {
        "metric": one.metric if one.method == "prediction" else f"{one.method}: {one.metric}",
        "first": f"{one.first.value:{digits}}",
        "other": f"{one.second.value:{digits}}",
        "difference [95 %]": f"{one.difference:{digits}}",
        "clips": str(one.difference.clips),
        "": "sure" if one.sure else "may be chance",
    }


def _record(one: Comparison) -> dict[str, Any]:
    return {
        "method": one.method,
        "metric": one.metric,
        "horizon": one.horizon,
        "first": one.first.as_dict(),
        "second": one.second.as_dict(),
        "difference": one.difference.as_dict(),
        "sure": one.sure,
    }


def _page(runs: Sequence[Results], tables: dict[str, list[dict[str, str]]]) -> Report:
    note = "Paired by clip; the interval is over clips."
    return Report(
        title="Comparison of runs",
        tables={
            title: Table(list(rows[0]), [list(row.values()) for row in rows], note=note)
            for title, rows in tables.items()
        },
        facts={str(run.path): run.environment.get("command") or "written by Python" for run in runs},
    )
