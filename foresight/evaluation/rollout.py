"""The rollout card: error against horizon over several chunks, beside baselines without a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from foresight.evaluation.benchmarks import Measured, figure_rows
from foresight.evaluation.gates import Gate, at_least, surely_above
from foresight.evaluation.simulated import SimulatedBenchmark, contexts_and_futures
from foresight.metrics.baselines import copy_last_frame, linear_extrapolation
from foresight.metrics.picture import mse
from foresight.metrics.statistics import Estimate, bootstrap, mean, ratio_of_means, skill
from foresight.physics import PhysicsClip, SimulatedSplit
from foresight.physics.tracking import position_error, track
from foresight.progress import Progress, silent
from foresight.report import Curve
from foresight.results.values import ClipValues, clip_values
from foresight.world.sampling import NoiseLevel, Sampling
from foresight.world.world_model import WorldModel

MODEL, COPY, LINEAR = "prediction", "copy last frame", "linear extrapolation"
BATCH = 8
Videos = Float[Tensor, "batch 3 frame height width"]


@dataclass(frozen=True)
class Course:
    """Figures of one method: arrays over clips and frames."""

    mse: np.ndarray
    """On the [0, 1] scale."""
    position: np.ndarray
    """Distance in pixels, mean over bodies."""
    missed: np.ndarray
    """Share of bodies that are not to be seen."""


@dataclass(frozen=True)
class RolloutCard:
    """Results of a rollout benchmark."""

    courses: dict[str, Course]
    frame_rate: float
    chunk: int
    """Frames that are predicted at once, which is the horizon of training."""

    def values(self, clips: Sequence[str], seed: int) -> tuple[ClipValues, ...]:
        """Per-clip values of every method."""
        return tuple(
            clip_values(clips, name, metric, values, [seed] * len(clips))
            for name, course in self.courses.items()
            for metric, values in (
                ("mse", course.mse),
                ("position error (px)", course.position),
                ("missed", course.missed),
            )
        )

    @property
    def horizons(self) -> list[int]:
        """Numbers of frames at which the table is written: every half chunk."""
        frames = self.courses[MODEL].mse.shape[1]
        return [frame for frame in range(self.chunk // 2, frames + 1, self.chunk // 2)]

    def table(self) -> list[dict[str, str]]:
        """One row per horizon: figures of the frame at that horizon."""
        rows = []
        for horizon in self.horizons:
            row = {"horizon": f"{horizon} frames, {horizon / self.frame_rate:g} s"}
            for name, course in self.courses.items():
                row[f"MSE, {name}"] = f"{mean(course.mse[:, horizon - 1]):.4f}"
            row["skill over copy"] = f"{self._skill(horizon):.2f}"
            for name, course in self.courses.items():
                row[f"position error (px), {name}"] = f"{mean(course.position[:, horizon - 1]):.1f}"
            row["missed"] = f"{mean(self.courses[MODEL].missed[:, horizon - 1]):.1%}"
            rows.append(row)
        return rows

    def figures(self) -> dict[str, Estimate]:
        """The figures that promises are made of, by name."""
        model, baseline = self.courses[MODEL], self.courses[COPY]
        figures = {f"skill over copy at frame {horizon}": self._skill(horizon) for horizon in self.horizons}
        figures["frames with an error below copy's"] = bootstrap(
            lambda own, other: float((own.mean(axis=0) < other.mean(axis=0)).mean()), model.mse, baseline.mse
        )
        figures["largest error / copy's over frames"] = bootstrap(
            lambda own, other: float((own.mean(axis=0) / other.mean(axis=0)).max()), model.mse, baseline.mse
        )
        figures["skill over copy, all frames"] = skill(model.mse.mean(axis=1), baseline.mse.mean(axis=1))
        figures["skill over linear extrapolation, all frames"] = skill(
            model.mse.mean(axis=1), self.courses[LINEAR].mse.mean(axis=1)
        )
        for horizon in self.horizons:
            own, other = (course.position[:, horizon - 1] for course in (model, baseline))
            figures[f"position error / copy's at frame {horizon}"] = ratio_of_means(own, other)
        return figures

    def gates(self) -> tuple[Gate, ...]:
        """The promises of this card."""
        figures = self.figures()
        return (
            at_least("below copy's error at every frame", figures["frames with an error below copy's"], 1.0),
            surely_above("skill over copy, all frames", figures["skill over copy, all frames"], 0.0),
        )

    def curves(self) -> tuple[Curve, ...]:
        """Error against seconds, for the page."""
        frames = self.courses[MODEL].mse.shape[1]
        seconds = [(frame + 1) / self.frame_rate for frame in range(frames)]

        def curve(title: str, y_label: str, pick: Callable[[Course], np.ndarray]) -> Curve:
            lines = {name: pick(course).mean(axis=0).tolist() for name, course in self.courses.items()}
            return Curve(title=title, lines=lines, x=seconds, x_label="seconds after the context", y_label=y_label)

        return (
            curve("Error against horizon", "mean squared error", lambda course: course.mse),
            curve("Position error against horizon", "pixels", lambda course: course.position),
        )

    def _skill(self, horizon: int) -> Estimate:
        return skill(self.courses[MODEL].mse[:, horizon - 1], self.courses[COPY].mse[:, horizon - 1])


@dataclass(frozen=True, kw_only=True)
class RolloutBenchmark(SimulatedBenchmark):
    """Error against horizon on the simulated world, whose clips have context and horizon.

    Args:
        candidates: futures per clip; what `foresight predict` shows of them is scored.
        noise_level: where the adapter's forecast enters the flow.
        carried_noise: noise level of the context of later chunks, against drift; None takes the model's.
        seed: of the first candidate.
    """

    candidates: int
    noise_level: NoiseLevel
    carried_noise: float | None
    seed: int
    name = "rollout"

    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Roll out and score every clip."""
        if self.carried_noise is not None:
            model = model.replace(sampling_config=replace(model.sampling_config, carried_noise=self.carried_noise))

        def forecast(contexts: Videos, instructions: Sequence[str], frames: int) -> Videos:
            found = model.predict_batch(
                contexts,
                instructions,
                frames,
                Sampling(self.candidates, self.noise_level, self.seed),
            )
            return torch.stack([model.shown(prediction) for prediction in found]).cpu()

        card = roll_out(forecast, self.held_out, chunk=model.sampling_config.chunk_frames, progress=progress)
        figures = card.figures()
        tables = {"horizons": card.table(), "figures": figure_rows(figures, "")}
        values = card.values(self.held_out.names, self.seed)
        return Measured(tables, figures, card.curves(), card.gates(), values)


def roll_out(
    forecast: Callable[[Videos, Sequence[str], int], Videos],
    held_out: SimulatedSplit,
    *,
    chunk: int,
    progress: Progress = silent,
) -> RolloutCard:
    """Score rollouts of clips frame by frame.

    Args:
        forecast: contexts, instructions and a number of frames to futures in [−1, 1].
        held_out: clips; everything behind the context is predicted.
        chunk: frames that are predicted at once.
        progress: called with (done, total).
    """
    parts: dict[str, list[tuple[np.ndarray, ...]]] = {MODEL: [], COPY: [], LINEAR: []}
    done = 0
    for clips in held_out.batches(BATCH):
        contexts, futures = contexts_and_futures(clips)
        frames = futures.shape[2]
        methods = {
            MODEL: forecast(contexts, [clip.instruction for clip in clips], frames),
            COPY: copy_last_frame(contexts, frames),
            LINEAR: linear_extrapolation(contexts, frames),
        }
        for name, predicted in methods.items():
            error = mse(predicted, futures).numpy()
            parts[name] += [(error[row], *_places(predicted[row], clip)) for row, clip in enumerate(clips)]
        done += len(clips)
        progress(done, len(held_out))
    courses = {name: Course(*map(np.stack, zip(*rows, strict=True))) for name, rows in parts.items()}
    return RolloutCard(courses, held_out.physics.frame_rate, chunk)


def _places(video: Float[Tensor, "3 frame height width"], clip: PhysicsClip) -> tuple[np.ndarray, np.ndarray]:
    """Position error and share missed of each frame."""
    found = track(video, clip.bodies, clip.scene.look)
    error = position_error(found.positions, clip.positions[-video.shape[1] :])
    return error.mean(dim=1).numpy(), found.missed.float().mean(dim=1).numpy()
