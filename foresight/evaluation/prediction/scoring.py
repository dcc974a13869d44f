"""Predicting held-out clips of the simulated world, and scoring the futures; see `prediction_card`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from foresight.evaluation.prediction.card import (
    CEILING,
    COPY,
    LINEAR,
    MEAN,
    MODEL,
    NEAREST,
    TRACKER,
    WRONG,
    PredictionCard,
    Scores,
)
from foresight.evaluation.prediction.forced_choice import choose, futures_to_choose_from
from foresight.evaluation.prediction.world_baselines import NearestClip, constant_velocity
from foresight.metrics.baselines import copy_last_frame, linear_extrapolation
from foresight.metrics.frechet import Features, frechet_distance
from foresight.metrics.picture import gradient_energy, mse, ssim
from foresight.physics import DIRECTIONS, Action, PhysicsClip, PhysicsConfig, make_clip
from foresight.physics.clip import SPLITS
from foresight.physics.language import instruction
from foresight.physics.tracking import ballistic, position_error, track

MOVING = 2.0
"""Mean displacement in pixels, over bodies and future frames, above which a clip counts as moving."""

Frames = Float[Tensor, "3 frame height width"]
Videos = Float[Tensor, "batch 3 frame height width"]
BATCH = 16
"""Clips predicted at once."""


class Forecaster(Protocol):
    """What the benchmark needs of a world model."""

    def __call__(self, contexts: Videos, instructions: list[str], frames: int) -> Videos | Mapping[str, Videos]:
        """The predicted futures of several clips, in [−1, 1].

        Where several methods are predicted at once, by name, with the prediction that counts under `MODEL`.
        """


class Reconstructor(Protocol):
    """What the benchmark needs of a VAE."""

    def __call__(self, videos: Videos) -> Videos:
        """The clips after encoding and decoding."""


def evaluate_prediction(
    forecast: Forecaster,
    reconstruct: Reconstructor,
    *,
    clips: int,
    physics: PhysicsConfig,
    split: str = "test",
    library: int = 1000,
    features: Features | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> PredictionCard:
    """Predict held-out clips of the simulated world and score them.

    Args:
        forecast: the world model.
        reconstruct: its VAE, the ceiling of any prediction.
        clips: number of clips, from the first seed of the split on.
        physics: the world.
        split: a key of `SPLITS`.
        library: training clips among which the nearest is looked for, and which are averaged to the mean frame.
        features: of videos, for their Fréchet distance; None leaves it out.
        progress: called with (done, total).
    """
    average, nearest = _mean_frame(physics, min(library, 256)), NearestClip(physics, library)
    collected: dict[str, list[tuple[np.ndarray, ...]]] = {}
    flights, nearer, chosen, chosen_squared, pushed, looks = [], [], [], [], [], []
    for batch in batched(make_clips(clips, physics, split), BATCH):
        contexts, futures = (torch.stack(part) for part in zip(*map(split_clip, batch), strict=True))
        frames = futures.shape[2]
        copies = copy_last_frame(contexts, frames)
        told, misled = [clip.instruction for clip in batch], [wrong_instruction(clip) for clip in batch]
        methods = {
            **_named(forecast(contexts, told, frames)),
            WRONG: _named(forecast(contexts, misled, frames))[MODEL],
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
            CEILING: reconstruct(torch.stack([clip.tensor for clip in batch]))[:, :, -frames:],
        }
        predicted, wrong = methods[MODEL], methods[WRONG]
        if features is not None:
            looks.append(torch.stack([features(predicted), features(futures)]))
        options = futures_to_choose_from(batch)
        picks, squared_picks = (choose(predicted, options, power=power).tolist() for power in (1, 2))
        for row, clip in enumerate(batch):
            for name, videos in methods.items():
                collected.setdefault(name, []).append(_score(videos[row], futures[row], clip))
            truth = clip.positions[-frames:]
            action = clip.config.action_frame
            flight = ballistic(clip.positions[action], clip.velocities[action], clip.scene, clip.config)
            flights.append(float(position_error(flight, truth).mean()))
            if float(position_error(clip.positions[action].expand_as(truth), truth).mean()) > MOVING:
                nearer.append(float(_distance(predicted[row], futures[row]) < _distance(predicted[row], copies[row])))
                chosen.append(picks[row])
                chosen_squared.append(squared_picks[row])
            if clip.action is not None:
                found = (track(videos[row], clip.bodies, clip.scene.look).positions for videos in (predicted, wrong))
                pushed.append([float(position_error(one, truth)[:, clip.action.body].mean()) for one in found])
        progress(len(flights), clips)
    return PredictionCard(
        methods={name: Scores(*map(np.stack, zip(*rows, strict=True))) for name, rows in collected.items()},
        ballistic=np.asarray(flights),
        nearer_true=np.asarray(nearer),
        chosen=np.asarray(chosen),
        chosen_squared=np.asarray(chosen_squared),
        pushed=np.asarray(pushed).reshape(-1, 2),
        fvd=frechet_distance(*torch.cat(looks, dim=1)) if looks else None,
    )


def _named(predicted: Videos | Mapping[str, Videos]) -> dict[str, Videos]:
    return {MODEL: predicted} if isinstance(predicted, Tensor) else dict(predicted)


def split_clip(clip: PhysicsClip) -> tuple[Frames, Frames]:
    """Context and future of a clip, in [−1, 1]."""
    video = clip.tensor
    return video[:, : clip.config.context_frames], video[:, clip.config.context_frames :]


def wrong_instruction(clip: PhysicsClip) -> str:
    """Another instruction that fits the scene: another body, another direction, or nothing."""
    options: list[Action | None] = [Action(body, name) for body in range(len(clip.bodies)) for name in DIRECTIONS]
    options = [option for option in [*options, None] if option != clip.action]
    chosen = options[int(np.random.default_rng(clip.seed).integers(len(options)))]
    return instruction(chosen, clip.bodies)


def make_clips(count: int, physics: PhysicsConfig, split: str) -> Iterator[PhysicsClip]:
    """The first clips of a split.

    Raises:
        ValueError: if the split is unknown.
    """
    if split not in SPLITS:
        raise ValueError(f"expected a split out of {', '.join(SPLITS)}; got {split!r}")
    for seed in range(SPLITS[split], SPLITS[split] + count):
        yield make_clip(seed, physics)


def batched(clips: Iterator[PhysicsClip], size: int) -> Iterator[list[PhysicsClip]]:
    """Lists of up to `size` clips."""
    while batch := list(islice(clips, size)):
        yield batch


def _mean_frame(physics: PhysicsConfig, clips: int) -> Float[Tensor, "3 1 height width"]:
    """Average picture of the training split: what one draws who knows the world but not the clip."""
    return torch.stack([clip.tensor.mean(dim=1) for clip in make_clips(clips, physics, "train")]).mean(dim=0)[:, None]


def _score(video: Frames, future: Frames, clip: PhysicsClip) -> tuple[np.ndarray, ...]:
    found = track(video, clip.bodies, clip.scene.look)
    truth = clip.positions[-future.shape[1] :]
    sharpness = gradient_energy(video[None]).mean() / gradient_energy(future[None]).mean()
    return (
        mse(video[None], future[None])[0].numpy(),
        ssim(video[None], future[None])[0].numpy(),
        sharpness.numpy(),
        position_error(found.positions, truth).mean().numpy(),
        found.missed.float().mean().numpy(),
    )


def _distance(one: Frames, other: Frames) -> float:
    return float(mse(one[None], other[None]).mean())
