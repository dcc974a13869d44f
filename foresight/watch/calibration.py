"""The alarm of `foresight watch`, fitted on ordinary stretches of the simulated world."""

from __future__ import annotations

from collections.abc import Callable

from foresight.physics import PhysicsConfig
from foresight.watch.alarm import Alarm, fit_alarm
from foresight.world.world_model import WorldModel


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

    def __call__(self, model: WorldModel, progress: Callable[[int, int], None]) -> Alarm:
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
