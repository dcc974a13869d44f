"""Correctness of predicted futures of the simulated world, by true states that no verifier sees."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.physics import PhysicsClip
from foresight.physics.tracking import position_error, track

TOLERANCE = 6.5
"""Pixels: the plain world's smallest radius. Up to it, a body is drawn where at least its middle truly is."""


def worst_position_error(
    candidates: Float[Tensor, "candidate rgb=3 frame height width"], clip: PhysicsClip
) -> Float[Tensor, " candidate"]:
    """Distance in pixels of the worst placed body from its true centre, mean over future frames.

    A body that is not to be seen counts as in the middle of the picture; one that is gone has no place to be right
    about, and counts as infinitely far. Right is up to `TOLERANCE`.
    """
    given, frames = clip.config.context_frames, candidates.shape[2]
    truth, look = clip.positions[given : given + frames], clip.scene.look
    errors = [position_error(track(video, clip.bodies, look).positions, truth) for video in candidates.cpu()]
    return torch.stack([error.nan_to_num(nan=torch.inf).mean(dim=0).max() for error in errors])
