"""`foresight calibrate`: fit what turns measurements into decisions on held-out clips, and save it."""

from __future__ import annotations

from pathlib import Path

from foresight.calibrations import Calibration
from foresight.cli.console import console, progress_bar
from foresight.world_model import WorldModel


def calibrate(*, model: WorldModel, calibration: Calibration, to: str | Path) -> None:
    """Fit the threshold of `foresight watch`, or the temperature of `foresight choose`.

    Args:
        model: the world model it will hold for.
        calibration: what to fit, and on which clips.
        to: folder of the world model, or any other; a folder of the calibration's own name is written in it.
    """
    with progress_bar(calibration.name) as progress:
        fitted = calibration(model, progress)
    fitted.save_pretrained(f"{to}/{calibration.name}")
    console.print(f"wrote {to}/{calibration.name}")
