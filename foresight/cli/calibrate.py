"""`foresight calibrate`: fit what turns measurements into decisions on held-out clips, and save it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from foresight.cli.console import console, progress_bar
from foresight.progress import Progress
from foresight.world.world_model import WorldModel


class Fitted(Protocol):
    """Result of a calibration."""

    def save_pretrained(self, folder: str | Path) -> None:
        """Write it into a folder."""


class Calibration(Protocol):
    """Fits a threshold or a temperature for a world model."""

    name: str

    def __call__(self, model: WorldModel, progress: Progress) -> Fitted:
        """Fit; progress is called with (done, total)."""
        ...


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
