"""The prediction card: how near predicted futures come to what happens, beside predictions that need no model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from foresight.evaluation.baselines import copy_last_frame, linear_extrapolation
from foresight.evaluation.metrics import gradient_energy, mse, psnr, ssim
from foresight.evaluation.statistics import Estimate, bootstrap, mean, ratio_of_means, skill
from foresight.physics import DIRECTIONS, Action, PhysicsClip, PhysicsConfig, make_clip
from foresight.physics.clip import SPLITS
from foresight.physics.language import instruction
from foresight.physics.tracking import ballistic, position_error, track

MOVING = 2.0
"""Mean displacement in pixels, over bodies and future frames, above which a clip counts as moving."""

MODEL, WRONG, COPY, LINEAR = "prediction", "prediction, wrong instruction", "copy last frame", "linear extrapolation"
MEAN, CEILING, BALLISTIC = "mean frame of the world", "VAE reconstruction", "ballistic from the true state"

Frames = Float[Tensor, "3 frame height width"]
Videos = Float[Tensor, "batch 3 frame height width"]
BATCH = 16
"""Clips predicted at once."""


class Forecaster(Protocol):
    """What the benchmark needs of a world model."""

    def __call__(self, contexts: Videos, instructions: list[str], frames: int) -> Videos:
        """The predicted futures of several clips, in [−1, 1]."""


class Reconstructor(Protocol):
    """What the benchmark needs of a VAE."""

    def __call__(self, videos: Videos) -> Videos:
        """The clips after encoding and decoding."""


@dataclass(frozen=True)
class Scores:
    """Per-clip figures of one method: arrays over clips."""

    mse: np.ndarray
    """(clips, frames), [0, 1] scale."""
    ssim: np.ndarray
    """(clips, frames)."""
    sharpness: np.ndarray
    """(clips,): gradient energy divided by that of what happened."""
    position: np.ndarray
    """(clips,): mean distance in pixels over bodies and frames."""
    missed: np.ndarray
    """(clips,): share of bodies and frames in which the body is not to be seen."""


@dataclass(frozen=True)
class PredictionCard:
    """All figures of a prediction benchmark."""

    methods: dict[str, Scores]
    ballistic: np.ndarray
    """(clips,): position error of flight from the true state."""
    nearer_true: np.ndarray
    """(moving clips,): 1 where the prediction lies nearer the true future than the frozen one."""
    pushed: np.ndarray
    """(clips with a push, 2): position error of the pushed body with the true and with a wrong instruction."""

    def table(self) -> list[dict[str, str]]:
        """One row per method, for people."""
        copy = self.methods[COPY]
        rows = []
        for name, scores in self.methods.items():
            clip_mse, copy_mse = scores.mse.mean(axis=1), copy.mse.mean(axis=1)
            rows.append(
                {
                    "method": name,
                    "PSNR (dB)": f"{mean(psnr(torch.from_numpy(clip_mse)).numpy()):.1f}",
                    "SSIM": f"{mean(scores.ssim.mean(axis=1)):.3f}",
                    "MSE": f"{mean(clip_mse):.4f}",
                    "skill over copy": f"{skill(clip_mse, copy_mse):.2f}" if name != COPY else "0",
                    "position error (px)": f"{mean(scores.position):.1f}",
                    "missed": f"{mean(scores.missed):.1%}",
                    "sharpness": f"{mean(scores.sharpness):.2f}",
                }
            )
        blank = dict.fromkeys(rows[0], "–")
        rows.append({**blank, "method": BALLISTIC, "position error (px)": f"{mean(self.ballistic):.1f}"})
        return rows

    def figures(self) -> dict[str, Estimate]:
        """The figures that promises are made of, by name."""
        model, copy = self.methods[MODEL], self.methods[COPY]
        own = model.mse.mean(axis=1)
        figures = {
            "skill over copy (MSE)": skill(own, copy.mse.mean(axis=1)),
            "skill over linear extrapolation (MSE)": skill(own, self.methods[LINEAR].mse.mean(axis=1)),
            "skill over the mean frame (MSE)": skill(own, self.methods[MEAN].mse.mean(axis=1)),
            "position error / copy's": ratio_of_means(model.position, copy.position),
            "position error / ballistic": ratio_of_means(model.position, self.ballistic),
            "objects missed": mean(model.missed),
            "objects missed by the VAE": mean(self.methods[CEILING].missed),
            "VAE reconstruction PSNR (dB)": mean(
                psnr(torch.from_numpy(self.methods[CEILING].mse.mean(axis=1))).numpy()
            ),
            "nearer the true future than the frozen one": mean(self.nearer_true),
            "pushed object's error, wrong / true instruction": bootstrap(
                lambda true, wrong: float(wrong.mean() / true.mean()), self.pushed[:, 0], self.pushed[:, 1]
            ),
        }
        for frame in range(model.mse.shape[1]):
            figures[f"skill over copy at frame {frame + 1}"] = skill(model.mse[:, frame], copy.mse[:, frame])
        return figures


def evaluate_prediction(
    forecast: Forecaster,
    reconstruct: Reconstructor,
    *,
    clips: int,
    physics: PhysicsConfig,
    split: str = "test",
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> PredictionCard:
    """Predict held-out clips of the simulated world and score them.

    Args:
        forecast: the world model.
        reconstruct: its VAE, the ceiling of any prediction.
        clips: number of clips, from the first seed of the split on.
        physics: the world.
        split: a key of `SPLITS`.
        progress: called with (done, total).
    """
    average = _mean_frame(physics)
    collected: dict[str, list[tuple[np.ndarray, ...]]] = {}
    flights, nearer, pushed = [], [], []
    for batch in batched(_clips(clips, physics, split), BATCH):
        contexts, futures = (torch.stack(part) for part in zip(*map(split_clip, batch), strict=True))
        frames = futures.shape[2]
        copies = copy_last_frame(contexts, frames)
        predicted = forecast(contexts, [clip.instruction for clip in batch], frames)
        wrong = forecast(contexts, [wrong_instruction(clip) for clip in batch], frames)
        methods = {
            MODEL: predicted,
            WRONG: wrong,
            COPY: copies,
            LINEAR: linear_extrapolation(contexts, frames),
            MEAN: average.expand(len(batch), -1, frames, -1, -1),
            CEILING: reconstruct(torch.stack([clip.tensor for clip in batch]))[:, :, -frames:],
        }
        for row, clip in enumerate(batch):
            for name, videos in methods.items():
                collected.setdefault(name, []).append(_score(videos[row], futures[row], clip))
            truth = clip.positions[-frames:]
            action = clip.config.action_frame
            flight = ballistic(clip.positions[action], clip.velocities[action], clip.scene, clip.config)
            flights.append(float(position_error(flight, truth).mean()))
            if float(position_error(clip.positions[action].expand_as(truth), truth).mean()) > MOVING:
                nearer.append(float(_distance(predicted[row], futures[row]) < _distance(predicted[row], copies[row])))
            if clip.action is not None:
                found = (track(videos[row], clip.bodies).positions for videos in (predicted, wrong))
                pushed.append([float(position_error(one, truth)[:, clip.action.body].mean()) for one in found])
        progress(len(flights), clips)
    return PredictionCard(
        methods={name: Scores(*map(np.stack, zip(*rows, strict=True))) for name, rows in collected.items()},
        ballistic=np.asarray(flights),
        nearer_true=np.asarray(nearer),
        pushed=np.asarray(pushed).reshape(-1, 2),
    )


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


def _clips(count: int, physics: PhysicsConfig, split: str) -> Iterator[PhysicsClip]:
    if split not in SPLITS:
        raise ValueError(f"expected a split out of {', '.join(SPLITS)}; got {split!r}")
    for seed in range(SPLITS[split], SPLITS[split] + count):
        yield make_clip(seed, physics)


def batched(clips: Iterator[PhysicsClip], size: int) -> Iterator[list[PhysicsClip]]:
    """Lists of up to `size` clips."""
    while batch := list(islice(clips, size)):
        yield batch


def _mean_frame(physics: PhysicsConfig, clips: int = 256) -> Float[Tensor, "3 1 height width"]:
    """Average picture of the training split: what one draws who knows the world but not the clip."""
    return torch.stack([clip.tensor.mean(dim=1) for clip in _clips(clips, physics, "train")]).mean(dim=0)[:, None]


def _score(video: Frames, future: Frames, clip: PhysicsClip) -> tuple[np.ndarray, ...]:
    found = track(video, clip.bodies)
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
