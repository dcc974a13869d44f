"""`foresight report`: draw the page of a finished run again."""

from __future__ import annotations

from pathlib import Path

from foresight.cli.console import console
from foresight.cli.page import draw_page
from foresight.cli.received import ReceivedRun
from foresight.errors import UserError, fault
from foresight.report.prediction import PredictionReport


def report(*, run: str | Path) -> Path:
    """Write `report.html` of a prediction's run from its metrics.json and videos.

    The folder may be anybody's: links in it are not followed, and nothing else is written.

    Args:
        run: the run directory.

    Returns:
        The page.

    Raises:
        UserError: if there is no such run, it holds links, or its metrics are not those of a prediction.
    """
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
