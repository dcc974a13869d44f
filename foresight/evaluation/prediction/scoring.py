"""Prediction of held-out clips of the simulated world, and scores of the futures; see `card`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from foresight.evaluation.extremes import Extremes, ShownClip
from foresight.evaluation.prediction.card import (
    COPY,
    LINEAR,
    MEAN,
    MODEL,
    NEAREST,
    TRACKER,
    VAE_RECONSTRUCTION,
    WRONG,
    PredictionCard,
    Scores,
)
from foresight.evaluation.prediction.forced_choice import choose, futures_to_choose_from
from foresight.evaluation.prediction.world_baselines import NearestClip, constant_velocity
from foresight.evaluation.simulated import BATCH, contexts_and_futures, wrong_instruction
from foresight.metrics.baselines import copy_last_frame, linear_extrapolation
from foresight.metrics.frechet import Features, frechet_distance
from foresight.metrics.picture import gradient_energy, moving_mse, mse, ssim
from foresight.physics import PhysicsClip, PhysicsConfig, SimulatedSplit
from foresight.physics.tracking import ballistic, position_error, track
from foresight.progress import Progress, silent

MOVING = 2.0
"""Mean displacement in pixels, over bodies and future frames, above which a clip counts as moving."""

Frames = Float[Tensor, "3 frame height width"]
Videos = Float[Tensor, "batch 3 frame height width"]


class Forecaster(Protocol):
    """The world model as the benchmark sees it."""

    def __call__(self, contexts: Videos, instructions: list[str], frames: int) -> Videos | Mapping[str, Videos]:
        """The predicted futures of several clips, in [−1, 1].

        Where several methods are predicted at once, by name, with the prediction that counts under `MODEL`.
        """


class Reconstructor(Protocol):
    """The VAE as the benchmark sees it."""

    def __call__(self, videos: Videos) -> Videos:
        """The clips after encoding and decoding."""


def evaluate_prediction(
    forecast: Forecaster,
    reconstruct: Reconstructor,
    held_out: SimulatedSplit,
    *,
    library: int = 1000,
    features: Features | None = None,
    progress: Progress = silent,
) -> PredictionCard:
    """Predict held-out clips of the simulated world and score them.

    Args:
        forecast: the world model.
        reconstruct: its VAE, the upper bound of any prediction.
        held_out: the clips.
        library: training clips among which the nearest is looked for, and which are averaged to the mean frame.
        features: of videos, for their Fréchet distance; None leaves it out.
        progress: called with (done, total).
    """
    physics = held_out.physics
    average, nearest = _mean_frame(physics, min(library, 256)), NearestClip(physics, library)
    collected: dict[str, list[tuple[np.ndarray, ...]]] = {}
    flights, nearer, chosen, chosen_squared, pushed, looks = [], [], [], [], [], []
    extremes = Extremes()
    for batch in held_out.batches(BATCH):
        contexts, futures = contexts_and_futures(batch)
        frames = futures.shape[2]
        copies = copy_last_frame(contexts, frames)
        true, wrong = [clip.instruction for clip in batch], [wrong_instruction(clip) for clip in batch]
        methods = {
            **_named(forecast(contexts, true, frames)),
            WRONG: _named(forecast(contexts, wrong, frames))[MODEL],
            COPY: copies,
            LINEAR: linear_extrapolation(contexts, frames),
            MEAN: average.expand(len(batch), -1, frames, -1, -1),
            NEAREST: nearest(contexts, frames),
            TRACKER: torch.stack(
                [
                    constant_velocity(c, clip.bodies, frames, clip.scene.look)
                    for c, clip in zip(contexts, batch, strict=True)
                ]
            ),
            VAE_RECONSTRUCTION: reconstruct(torch.stack([clip.tensor for clip in batch]))[:, :, -frames:],
        }
        predicted, misdirected = methods[MODEL], methods[WRONG]
        if features is not None:
            looks.append(torch.stack([features(predicted), features(futures)]))
        options = futures_to_choose_from(batch)
        picks, squared_picks = (choose(predicted, options, power=power).tolist() for power in (1, 2))
        for row, clip in enumerate(batch):
            for name, videos in methods.items():
                collected.setdefault(name, []).append(_score(videos[row], futures[row], clip))
            extremes.add(_shown(clip, held_out, predicted[row]))
            truth = clip.positions[-frames:]
            action = clip.config.action_frame
            flight = ballistic(clip.positions[action], clip.velocities[action], clip.scene, clip.config)
            flights.append(float(position_error(flight, truth).mean()))
            if float(position_error(clip.positions[action].expand_as(truth), truth).mean()) > MOVING:
                nearer.append(float(_distance(predicted[row], futures[row]) < _distance(predicted[row], copies[row])))
                chosen.append(picks[row])
                chosen_squared.append(squared_picks[row])
            if clip.action is not None:
                found = (
                    track(videos[row], clip.bodies, clip.scene.look).positions for videos in (predicted, misdirected)
                )
                pushed.append([float(position_error(one, truth)[:, clip.action.body].mean()) for one in found])
        progress(len(flights), len(held_out))
    return PredictionCard(
        methods={name: Scores(*map(np.stack, zip(*rows, strict=True))) for name, rows in collected.items()},
        ballistic=np.asarray(flights),
        nearer_true=np.asarray(nearer),
        chosen=np.asarray(chosen),
        chosen_squared=np.asarray(chosen_squared),
        pushed=np.asarray(pushed).reshape(-1, 2),
        extremes=extremes,
        fvd=frechet_distance(*torch.cat(looks, dim=1)) if looks else None,
    )


def _named(predicted: Videos | Mapping[str, Videos]) -> dict[str, Videos]:
    return {MODEL: predicted} if isinstance(predicted, Tensor) else dict(predicted)


def _mean_frame(physics: PhysicsConfig, clips: int) -> Float[Tensor, "3 1 height width"]:
    """Average picture of the training split, the best guess without looking at the clip."""
    return torch.stack([clip.tensor.mean(dim=1) for clip in SimulatedSplit(physics, "train", clips)]).mean(dim=0)[
        :, None
    ]


def _score(video: Frames, future: Frames, clip: PhysicsClip) -> tuple[np.ndarray, ...]:
    found = track(video, clip.bodies, clip.scene.look)
    truth = clip.positions[-future.shape[1] :]
    sharpness = gradient_energy(video[None]).mean() / gradient_energy(future[None]).mean()
    return (
        mse(video[None], future[None])[0].numpy(),
        ssim(video[None], future[None])[0].numpy(),
        sharpness.numpy(),
        moving_mse(video[None], future[None], clip.context[None, :, -1:])[0].numpy(),
        position_error(found.positions, truth).mean().numpy(),
        found.missed.float().mean().numpy(),
    )


def _shown(clip: PhysicsClip, held_out: SimulatedSplit, predicted: Frames) -> ShownClip:
    return ShownClip(
        clip=held_out.name(clip.seed),
        instruction=clip.instruction,
        error=_distance(predicted, clip.future),
        frame_rate=clip.config.frame_rate,
        context=clip.context,
        observed=clip.future,
        predicted=predicted,
    )


def _distance(one: Frames, other: Frames) -> float:
    return float(mse(one[None], other[None]).mean())
