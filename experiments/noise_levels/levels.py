"""One prediction per clip and noise level: error, sharpness and time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from foresight import WorldModel
from foresight.metrics.baselines import copy_last_frame
from foresight.metrics.picture import gradient_energy, mse
from foresight.metrics.statistics import Estimate, bootstrap, mean, ratio_of_means
from foresight.physics import PhysicsClip, PhysicsConfig, SimulatedSplit
from foresight.physics.tracking import position_error, track

LEVELS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0)

ERROR, POSITION, SHARPNESS = "MSE / copying", "position error (px)", "sharpness / truth"
LATENCY, WHOLE, EVALUATIONS = "sampling and decoding (ms)", "whole prediction (ms)", "transformer evaluations"
COLUMNS = (ERROR, POSITION, SHARPNESS, LATENCY, WHOLE, EVALUATIONS)


@dataclass(frozen=True)
class Outcome:
    """One prediction of one clip.

    Attributes:
        error: mean squared error, of pixels in [0, 1].
        copy_error: that of the last frame, standing still.
        position_error: mean distance in pixels over bodies and frames.
        sharpness: gradient energy, divided by that of the true future.
        latency: seconds of sampling and decoding: what the noise level changes.
        seconds: of the whole prediction.
        evaluations: of the transformer.
    """

    error: float
    copy_error: float
    position_error: float
    sharpness: float
    latency: float
    seconds: float
    evaluations: int


def outcomes(model: WorldModel, clips: int, physics: PhysicsConfig, levels: Sequence[float]) -> Iterator[list[Outcome]]:
    """Clip after clip of the test split, one outcome per level.

    Each clip is predicted alone, and at all levels in turn, so that a busy moment of the machine falls on all of them.
    """
    for clip in SimulatedSplit(physics, "test", clips):
        yield [_outcome(model, clip, level) for level in levels]


def _outcome(model: WorldModel, clip: PhysicsClip, level: float) -> Outcome:
    context, future = clip.context, clip.future
    prediction = model.predict(context, clip.instruction, future.shape[1], noise_level=level)
    video = prediction.video[:1].cpu()
    copied = copy_last_frame(context[None], future.shape[1])
    found = track(video[0], clip.bodies, clip.scene.look).positions
    return Outcome(
        error=float(mse(video, future[None]).mean()),
        copy_error=float(mse(copied, future[None]).mean()),
        position_error=float(position_error(found, clip.positions[-future.shape[1] :]).mean()),
        sharpness=float(gradient_energy(video).mean() / gradient_energy(future[None]).mean()),
        latency=prediction.seconds.sampling + prediction.seconds.decoding,
        seconds=prediction.seconds.total,
        evaluations=prediction.evaluations,
    )


def figures(found: Sequence[Outcome]) -> dict[str, Estimate]:
    """`COLUMNS` of the outcomes of many clips at one level."""

    def column(name: str) -> np.ndarray:
        return np.asarray([getattr(outcome, name) for outcome in found], dtype=np.float64)

    return {
        ERROR: ratio_of_means(column("error"), column("copy_error")),
        POSITION: mean(column("position_error")),
        SHARPNESS: mean(column("sharpness")),
        # A median: single predictions wait for whatever else the machine does.
        LATENCY: bootstrap(_median, 1000 * column("latency")),
        WHOLE: bootstrap(_median, 1000 * column("seconds")),
        EVALUATIONS: mean(column("evaluations")),
    }


def _median(values: np.ndarray) -> float:
    return float(np.median(values))
