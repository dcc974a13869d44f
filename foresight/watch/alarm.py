"""Conformal threshold on surprise, fitted on nominal segments."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from foresight.errors import UserError
from foresight.world.calibration_file import CalibrationFile

FILE = CalibrationFile("alarm", "run `foresight calibrate calibration=alarm`, or watch with alarm=none")
# Names of settings in files that were written before, and what they are called now.
FORMER = {"ahead": "prediction_stride"}


@dataclass(frozen=True)
class AlarmSettings:
    """Settings of watching; an alarm is valid only for the settings it was fitted with.

    Args:
        model: fingerprint of the world model.
        prediction_stride: frames between two predictions.
        candidates: futures per prediction.
        steps: Euler steps.
    """

    model: str
    prediction_stride: int
    candidates: int
    steps: int


@dataclass(frozen=True)
class Alarm:
    """Conformal threshold of surprise above which something is an event.

    Split conformal prediction: a new nominal segment, exchangeable with those it was fitted on, is taken for an event
    with a probability of at most 1 − coverage.

    Args:
        surprises: of nominal segments, ascending.
        settings: they were watched with.
        data: the segments, in words.

    Raises:
        ValueError: if there are no surprises, or they are not finite and ascending.
    """

    surprises: tuple[float, ...]
    settings: AlarmSettings
    data: str

    def __post_init__(self) -> None:
        if not self.surprises or not all(map(math.isfinite, self.surprises)):
            raise ValueError(f"expected finite surprises of at least one nominal segment, got {len(self.surprises)}")
        if list(self.surprises) != sorted(self.surprises):
            raise ValueError("expected surprises in ascending order, got another")

    def threshold(self, coverage: float) -> float:
        """Surprise above which a segment is an event.

        Raises:
            UserError: if the coverage is not in (0, 1), or too near 1 for the number of segments.
        """
        count = len(self.surprises)
        rank = math.ceil((count + 1) * coverage - 1e-9)
        if not 0 < coverage < 1 or rank > count:
            raise UserError(
                expected=f"a coverage between 0 and {count / (count + 1):.4g}, for {count} nominal segments",
                got=f"{coverage:g}",
                remedy="choose a smaller coverage=, or calibrate on more clips",
            )
        return self.surprises[rank - 1]

    def check(self, settings: AlarmSettings) -> None:
        """Refuse other settings.

        Raises:
            UserError: naming what differs.
        """
        asked = asdict(settings)
        for name, fitted in asdict(self.settings).items():
            if asked[name] != fitted:
                raise UserError(
                    expected=f"{name}={str(fitted)[:12]}, which the alarm was fitted for",
                    got=str(asked[name])[:12],
                    remedy=FILE.remedy,
                )

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `alarm.json` into a folder."""
        values = asdict(self)
        FILE.write(folder, {"surprises": values["surprises"], "watching": values["settings"], "data": values["data"]})

    @classmethod
    def from_pretrained(cls, where: str | Path) -> Alarm:
        """Read an alarm from its folder, from the folder of a world model, or by the model's name.

        Raises:
            UserError: if there is none, or it is damaged.
        """

        def build(found: dict[str, Any]) -> Alarm:
            surprises = tuple(float(value) for value in found["surprises"])
            settings = {FORMER.get(name, name): value for name, value in found["watching"].items()}
            return cls(surprises, AlarmSettings(**settings), found["data"])

        return FILE.read(where, build)
