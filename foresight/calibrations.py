"""Calibrations as objects that a configuration names: a world model in, something fitted on held-out clips out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from foresight.choose import Temperature, fit_temperature
from foresight.evaluation.choice import gather_costs
from foresight.physics import PhysicsConfig
from foresight.physics.clip import SPLITS
from foresight.verify import model_fingerprint
from foresight.watch import Alarm, fit_alarm
from foresight.world_model import WorldModel

Progress = Callable[[int, int], None]


class Fitted(Protocol):
    """What a calibration finds."""

    def save_pretrained(self, folder: str | Path) -> None:
        """Write it into a folder."""


class Calibration(Protocol):
    """Something to fit for a world model."""

    name: str

    def __call__(self, model: WorldModel, progress: Progress) -> Fitted:
        """Fit; progress is called with (done, total)."""
        ...


class AlarmCalibration:
    """The alarm of `foresight watch`, on ordinary stretches of the simulated world. See `fit_alarm`."""

    name = "alarm"

    def __init__(
        self,
        *,
        clips: int,
        physics: PhysicsConfig,
        split: str,
        ahead: int,
        candidates: int,
        seed: int,
        steps: int | None,
    ) -> None:
        self._clips, self._physics, self._split = clips, physics, split
        self._ahead, self._candidates, self._seed, self._steps = ahead, candidates, seed, steps

    def __call__(self, model: WorldModel, progress: Progress) -> Alarm:
        """Fit the alarm."""
        return fit_alarm(
            model,
            clips=self._clips,
            physics=self._physics,
            split=self._split,
            ahead=self._ahead,
            candidates=self._candidates,
            seed=self._seed,
            steps=self._steps,
            progress=progress,
        )


class TemperatureCalibration:
    """The temperatures of `foresight choose`, on the simulated world.

    Args:
        clips: number of clips.
        options: possible instructions per clip, at most.
        physics: the world.
        split: which seeds; not those that are tested on.
        candidates: futures per option.
        seed: of the first candidate.
    """

    name = "temperature"

    def __init__(
        self, *, clips: int, options: int, physics: PhysicsConfig, split: str, candidates: int, seed: int
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"expected a split out of {', '.join(SPLITS)}; got {split!r}")
        self._clips, self._options, self._physics, self._split = clips, options, physics, split
        self._candidates, self._seed = candidates, seed

    def __call__(self, model: WorldModel, progress: Progress) -> Temperature:
        """Fit one temperature per kind of goal."""
        first = SPLITS[self._split]
        gathered = gather_costs(
            model,
            range(first, first + self._clips),
            self._physics,
            options=self._options,
            candidates=self._candidates,
            seed=self._seed,
            progress=progress,
        )
        return Temperature(
            values={kind: fit_temperature(costs, right) for kind, (costs, right) in gathered.items()},
            model=model_fingerprint(model),
            data=f"simulated world, split {self._split}, {self._clips} clips, {self._options} options, "
            f"{self._candidates} candidates, {self._physics}",
        )
