"""`foresight fit-verifier`: fit a verifier for a world model and save it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from foresight.cli.console import console, progress_bar
from foresight.errors import UserError
from foresight.verify import Cases, Gathering, Measurements, Verifier, fit_on_cases
from foresight.world_model import WorldModel

ALTERNATIVES = 3
"""How many other instructions are tried per clip, where there are as many."""


def fit_verifier(
    *,
    model: WorldModel,
    signals: Sequence[str],
    plausibilities: Sequence[str],
    frames: Sequence[int],
    cases: Cases,
    candidates: int,
    noise_levels: Sequence[float],
    coverage: float,
    to: str | Path,
) -> Verifier:
    """Fit on cases; every clip serves weights, calibration and thresholds by cross-fitting.

    Args:
        model: the world model.
        signals: names of the signals to combine against what was observed.
        plausibilities: names of what to combine where nothing was observed.
        frames: after how many observed frames the verifier can judge.
        cases: clips with true and wrong futures, none of which it is tested on.
        candidates: candidates per prediction; the verifier will expect as many.
        noise_levels: of the flow signals, in (0, 1).
        coverage: of the conformal decision.
        to: folder to write.

    Raises:
        ValueError: if a name is unknown or a number out of its range.
        UserError: if only one thing is ever told.
    """
    told = cases.instructions
    if len(told) < 2:
        raise UserError(
            expected="at least two different instructions, to see which one explains what happened",
            got=repr(list(told)),
            remedy="say in the table what is done in each clip",
        )
    measurements = Measurements(
        signals=tuple(signals),
        plausibilities=tuple(plausibilities),
        frames=tuple(frames),
        candidates=candidates,
        gathering=Gathering(told, count=min(ALTERNATIVES, len(told) - 1), sigmas=tuple(noise_levels)),
    )
    with progress_bar("fitting the verifier") as progress:
        verifier = fit_on_cases(model, measurements, cases, coverage=coverage, progress=progress)
    verifier.save_pretrained(to)
    console.print(f"wrote {to}")
    return verifier
