"""`foresight report`: draw the page of a finished run again."""

from __future__ import annotations

import json
from pathlib import Path

from foresight.cli.console import console
from foresight.cli.page import draw_page
from foresight.errors import UserError


def report(*, run: str) -> Path:
    """Write `report.html` of a prediction's run from its metrics.json and videos.

    Args:
        run: the run directory.

    Returns:
        The page.

    Raises:
        UserError: if there is no such run, or its metrics are not those of a prediction.
    """
    folder = Path(run)
    try:
        record = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        target = folder / "report.html"
        draw_page(folder, record, target)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            expected=f"a run of `foresight predict` in {folder}",
            got=f"{type(error).__name__}: {error}",
            remedy="name a finished run directory",
        ) from error
    console.print(f"wrote {target}")
    return target
