"""The temperatures of `foresight choose`, fitted on problems whose answer is known."""

from __future__ import annotations

from dataclasses import dataclass

from foresight.choose.problems import gather_costs
from foresight.choose.temperature import Temperature, fit_temperature
from foresight.physics import PhysicsConfig, SimulatedSplit
from foresight.progress import Progress
from foresight.world.fingerprint import model_fingerprint
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel


@dataclass(frozen=True, kw_only=True)
class TemperatureCalibration:
    """The temperatures of `foresight choose`, on the simulated world.

    Args:
        clips: number of clips.
        options: possible instructions per clip, at most.
        physics: the world.
        split: a key of `foresight.physics.clip.SPLITS`; not the one that is tested on.
        candidates: futures per option.
        seed: of the first candidate.

    Raises:
        ValueError: if there is no such split.
    """

    clips: int
    options: int
    physics: PhysicsConfig
    split: str
    candidates: int
    seed: int

    def __post_init__(self) -> None:
        SimulatedSplit(self.physics, self.split, self.clips)

    @property
    def name(self) -> str:
        """Of the calibration, and of the folder it is saved in."""
        return "temperature"

    def __call__(self, model: WorldModel, progress: Progress) -> Temperature:
        """Fit one temperature per kind of goal."""
        gathered = gather_costs(
            model,
            SimulatedSplit(self.physics, self.split, self.clips).seeds,
            self.physics,
            options=self.options,
            sampling=Sampling(self.candidates, seed=self.seed),
            progress=progress,
        )
        return Temperature(
            values={kind: fit_temperature(costs, right) for kind, (costs, right) in gathered.items()},
            model=model_fingerprint(model),
            data=f"simulated world, split {self.split}, {self.clips} clips, {self.options} options, "
            f"{self.candidates} candidates, {self.physics}",
        )
