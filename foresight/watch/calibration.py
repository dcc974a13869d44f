"""The alarm of `foresight watch`, fitted on nominal segments of the simulated world."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.physics import PhysicsConfig, SimulatedSplit, make_clip
from foresight.physics.language import NOTHINGS
from foresight.progress import Progress, silent
from foresight.watch.alarm import Alarm, AlarmSettings
from foresight.watch.surprise import surprise
from foresight.world.fingerprint import model_fingerprint
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel
from ltx.shapes import TIME

BATCH = 16


@dataclass(frozen=True, kw_only=True)
class AlarmCalibration:
    """The alarm of `foresight watch`, on the simulated world with nothing pushed, one segment of each clip.

    Args:
        clips: number of clips, from the first seed of the split on.
        physics: the world; its clips may be longer than a segment, which then starts somewhere in them.
        split: a key of `foresight.physics.clip.SPLITS`; not the one that is tested on.
        prediction_stride: frames between two predictions.
        candidates: futures per prediction.
        seed: of the first candidate.
        steps: Euler steps; None takes the model's.

    Raises:
        ValueError: if the split is unknown, or something is pushed in the clips.
    """

    clips: int
    physics: PhysicsConfig
    split: str
    prediction_stride: int
    candidates: int
    seed: int
    steps: int | None

    def __post_init__(self) -> None:
        SimulatedSplit(self.physics, self.split, self.clips)
        if self.physics.push_probability > 0:
            raise ValueError(f"expected a world without pushes, got push_probability={self.physics.push_probability}")

    @property
    def name(self) -> str:
        """Of the calibration, and of the folder it is saved in."""
        return "alarm"

    def __call__(self, model: WorldModel, progress: Progress = silent) -> Alarm:
        """Fit the alarm.

        Raises:
            ValueError: if the clips are shorter than a segment.
        """
        split = SimulatedSplit(self.physics, self.split, self.clips)
        sampling = Sampling(self.candidates, seed=self.seed, steps=self.steps)
        surprises: list[float] = []
        for start in range(0, self.clips, BATCH):
            seeds = split.seeds[start : start + BATCH]
            contexts, futures = nominal_segments(model, seeds, self.physics, self.prediction_stride)
            told = [NOTHINGS[0]] * len(contexts)
            predictions = model.predict_batch(contexts, told, self.prediction_stride, sampling)
            surprises += surprise(model, predictions, futures).tolist()
            progress(len(surprises), self.clips)
        steps = model.sampling_config.steps if self.steps is None else self.steps
        settings = AlarmSettings(model_fingerprint(model), self.prediction_stride, self.candidates, steps)
        data = (
            f"simulated world, split {self.split}, {self.clips} clips, instruction {NOTHINGS[0]!r}, seed {self.seed}, "
            f"{self.physics}"
        )
        return Alarm(tuple(sorted(surprises)), settings, data)


def nominal_segments(
    model: WorldModel, seeds: range, physics: PhysicsConfig, prediction_stride: int
) -> tuple[Float[Tensor, "clip rgb=3 context height width"], Float[Tensor, "clip rgb=3 frame height width"]]:
    """One segment of each clip, context and future, at a start that moves on by 8 frames from clip to clip.

    Raises:
        ValueError: if the clips are shorter than a segment.
    """
    known = model.sampling_config.context_frames
    places = (physics.frames - known - prediction_stride) // TIME + 1
    if places < 1:
        raise ValueError(f"expected clips of at least {known + prediction_stride} frames, got {physics.frames}")
    segments = []
    for seed in seeds:
        start = seed % places * TIME
        segments.append(make_clip(seed, physics).tensor[:, start : start + known + prediction_stride])
    videos = torch.stack(segments)
    return videos[:, :, :known], videos[:, :, known:]
