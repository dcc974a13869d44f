"""When surprise is an event: a conformal threshold, fitted on ordinary stretches and stored with what they were."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.physics import PhysicsConfig, SimulatedSplit, make_clip
from foresight.physics.language import NOTHINGS
from foresight.verify import model_fingerprint
from foresight.watch.surprise import surprise
from foresight.world.calibration_file import CalibrationFile
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel
from ltx.shapes import TIME

FILE = CalibrationFile("alarm", "run `foresight calibrate calibration=alarm`, or watch with alarm=none")
BATCH = 16


@dataclass(frozen=True)
class Watching:
    """How a stream is watched; an alarm holds only for streams watched as its ordinary ones were.

    Args:
        model: fingerprint of the world model.
        ahead: frames between two predictions.
        candidates: futures per prediction.
        steps: Euler steps.
    """

    model: str
    ahead: int
    candidates: int
    steps: int


@dataclass(frozen=True)
class Alarm:
    """Tells events from what is ordinary.

    Split conformal prediction: a new ordinary stretch, exchangeable with those it was fitted on, is taken for an event
    with a probability of at most 1 − coverage.

    Args:
        surprises: of ordinary stretches, ascending.
        watching: how they were watched.
        data: what they were, in words.

    Raises:
        ValueError: if there are no surprises, or they are not finite and ascending.
    """

    surprises: tuple[float, ...]
    watching: Watching
    data: str

    def __post_init__(self) -> None:
        if not self.surprises or not all(map(math.isfinite, self.surprises)):
            raise ValueError(f"expected finite surprises of at least one ordinary stretch, got {len(self.surprises)}")
        if list(self.surprises) != sorted(self.surprises):
            raise ValueError("expected surprises in ascending order, got another")

    def threshold(self, coverage: float) -> float:
        """The surprise above which a stretch is an event.

        Raises:
            UserError: if the coverage is not in (0, 1), or too near 1 for the number of stretches.
        """
        count = len(self.surprises)
        rank = math.ceil((count + 1) * coverage - 1e-9)
        if not 0 < coverage < 1 or rank > count:
            raise UserError(
                expected=f"a coverage between 0 and {count / (count + 1):.4g}, for {count} ordinary stretches",
                got=f"{coverage:g}",
                remedy="choose a smaller coverage=, or calibrate on more clips",
            )
        return self.surprises[rank - 1]

    def check(self, watching: Watching) -> None:
        """Refuse another way of watching.

        Raises:
            UserError: naming what differs.
        """
        asked = asdict(watching)
        for name, fitted in asdict(self.watching).items():
            if asked[name] != fitted:
                raise UserError(
                    expected=f"{name}={str(fitted)[:12]}, which the alarm was fitted for",
                    got=str(asked[name])[:12],
                    remedy=FILE.remedy,
                )

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `alarm.json` into a folder."""
        FILE.write(folder, asdict(self))

    @classmethod
    def from_pretrained(cls, where: str | Path) -> Alarm:
        """Read an alarm from its folder, from the folder of a world model, or by the model's name.

        Raises:
            UserError: if there is none, or it is damaged.
        """

        def build(found: dict[str, Any]) -> Alarm:
            surprises = tuple(float(value) for value in found["surprises"])
            return cls(surprises, Watching(**found["watching"]), found["data"])

        return FILE.read(where, build)


def fit_alarm(
    model: WorldModel,
    *,
    clips: int,
    physics: PhysicsConfig,
    split: str,
    ahead: int,
    candidates: int,
    seed: int,
    steps: int | None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Alarm:
    """Fit an alarm on the simulated world with nothing pushed, one stretch of each clip.

    Args:
        model: the world model.
        clips: number of clips, from the first seed of the split on.
        physics: the world; its clips may be longer than a stretch, which then starts somewhere in them.
        split: a key of `foresight.physics.clip.SPLITS`; not the one that is tested on.
        ahead: frames between two predictions.
        candidates: futures per prediction.
        seed: of the first candidate.
        steps: Euler steps; None takes the model's.
        progress: called with (done, total).

    Raises:
        ValueError: if the split is unknown, or something is pushed in the clips, or they are too short.
    """
    quiet = SimulatedSplit(physics, split, clips)
    if physics.push_probability > 0:
        raise ValueError(f"expected a world without pushes, got push_probability={physics.push_probability}")
    surprises: list[float] = []
    for start in range(0, clips, BATCH):
        contexts, futures = ordinary(model, quiet.seeds[start : start + BATCH], physics, ahead)
        predictions = model.predict_batch(
            contexts, [NOTHINGS[0]] * len(contexts), ahead, Sampling(candidates, seed=seed, steps=steps)
        )
        surprises += surprise(model, predictions, futures).tolist()
        progress(len(surprises), clips)
    watching = Watching(model_fingerprint(model), ahead, candidates, model.plan.steps if steps is None else steps)
    data = f"simulated world, split {split}, {clips} clips, instruction {NOTHINGS[0]!r}, seed {seed}, {physics}"
    return Alarm(tuple(sorted(surprises)), watching, data)


def ordinary(
    model: WorldModel, seeds: range, physics: PhysicsConfig, ahead: int
) -> tuple[Float[Tensor, "clip rgb=3 context height width"], Float[Tensor, "clip rgb=3 frame height width"]]:
    """A stretch of each clip: context and what follows, at a place that moves on by 8 frames from clip to clip.

    Raises:
        ValueError: if the clips are shorter than a stretch.
    """
    known = model.plan.context_frames
    places = (physics.frames - known - ahead) // TIME + 1
    if places < 1:
        raise ValueError(f"expected clips of at least {known + ahead} frames, got {physics.frames}")
    stretches = []
    for seed in seeds:
        start = seed % places * TIME
        stretches.append(make_clip(seed, physics).tensor[:, start : start + known + ahead])
    videos = torch.stack(stretches)
    return videos[:, :, :known], videos[:, :, known:]
