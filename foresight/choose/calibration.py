"""The temperatures of `foresight choose`, fitted on problems whose answer is known."""

from __future__ import annotations

from collections.abc import Callable

from foresight.choose.problems import gather_costs
from foresight.choose.temperature import Temperature, fit_temperature
from foresight.physics import PhysicsConfig, SimulatedSplit
from foresight.world.fingerprint import model_fingerprint
from foresight.world.world_model import WorldModel


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
        self._split, self._options = SimulatedSplit(physics, split, clips), options
        self._candidates, self._seed = candidates, seed

    def __call__(self, model: WorldModel, progress: Callable[[int, int], None]) -> Temperature:
        """Fit one temperature per kind of goal."""
        split = self._split
        gathered = gather_costs(
            model,
            split.seeds,
            split.physics,
            options=self._options,
            candidates=self._candidates,
            seed=self._seed,
            progress=progress,
        )
        return Temperature(
            values={kind: fit_temperature(costs, right) for kind, (costs, right) in gathered.items()},
            model=model_fingerprint(model),
            data=f"simulated world, split {split.split}, {len(split)} clips, {self._options} options, "
            f"{self._candidates} candidates, {split.physics}",
        )
