"""Position errors of predicted objects, when the VLM alone has read the instruction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from foresight import WorldModel
from foresight.evaluation.simulated import BATCH, contexts_and_futures
from foresight.metrics.baselines import copy_last_frame
from foresight.physics import PhysicsClip, PhysicsConfig, SimulatedSplit
from foresight.physics.tracking import position_error, track
from foresight.world.sampling import Sampling
from ltx.text import TextConditioning, TextEncoder


class EmptyText(TextEncoder):
    """A text encoder that reads the empty sentence instead of every prompt."""

    def __init__(self, encoder: TextEncoder) -> None:
        super().__init__(encoder.model, encoder.tokenizer, max_tokens=encoder.max_tokens)

    def encode(self, prompts: Sequence[str]) -> TextConditioning:
        """States of as many empty sentences."""
        return super().encode([""] * len(prompts))


Forecaster = Callable[[torch.Tensor, list[str], int], torch.Tensor]


def forecaster(model: WorldModel, noise_level: float) -> Forecaster:
    """One candidate per clip."""

    def forecast(contexts: torch.Tensor, instructions: list[str], frames: int) -> torch.Tensor:
        found = model.predict_batch(contexts, instructions, frames, Sampling(noise_level=noise_level))
        return torch.stack([prediction.video[0] for prediction in found]).cpu()

    return forecast


def copier(contexts: torch.Tensor, instructions: list[str], frames: int) -> torch.Tensor:
    """The last frame, standing still."""
    return copy_last_frame(contexts, frames)


def position_errors(forecast: Forecaster, clips: int, physics: PhysicsConfig) -> np.ndarray:
    """Mean distance in pixels over bodies and frames of each of the first test clips.

    A body that is not to be seen counts as being in the picture's centre.
    """
    errors = []
    for batch in SimulatedSplit(physics, "test", clips).batches(BATCH):
        contexts, futures = contexts_and_futures(batch)
        videos = forecast(contexts, [clip.instruction for clip in batch], futures.shape[2])
        errors += [_error(video, clip) for video, clip in zip(videos, batch, strict=True)]
    return np.asarray(errors)


def _error(video: torch.Tensor, clip: PhysicsClip) -> float:
    truth = clip.positions[-video.shape[1] :]
    return float(position_error(track(video, clip.bodies, clip.scene.look).positions, truth).mean())
