"""Where the bodies are in a video, read from its pixels alone; and what simple mechanics would foretell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from foresight.physics.look import PLAIN, Look
from foresight.physics.palette import COLOURS
from foresight.physics.scene import DIRECTIONS, Body, PhysicsConfig, Scene

VISIBLE = 0.25
"""A body counts as missed when fewer than this share of its pixels have its colour."""


class Track(NamedTuple):
    """Centres read from a video."""

    positions: Float[Tensor, "frame body xy=2"]
    """Pixels; the picture's centre where the body is missed, the guess of one who sees nothing."""
    missed: Bool[Tensor, "frame body"]


def track(video: Float[Tensor, "3 frame height width"], bodies: Sequence[Body], look: Look = PLAIN) -> Track:
    """Centroid of the pixels whose colour is nearest to each body's, in every frame of a video in [−1, 1].

    Args:
        video: square.
        bodies: what to look for.
        look: what is behind them, and the light; what is behind a bar counts as missed.
    """
    height, width = video.shape[2:]
    names = list(COLOURS)
    colours = torch.from_numpy(np.stack([look.colour(name) for name in names]))[:, :, None, None]
    empty = torch.from_numpy(look.empty(width)).permute(2, 0, 1)[None]
    palette = (torch.cat([empty, colours.expand(-1, -1, height, width)]) / 127.5 - 1).to(video.device)
    distance = (video.float()[None] - palette[:, :, None]).square().sum(dim=1)
    nearest = distance.argmin(dim=0)
    y = torch.arange(height, device=video.device).view(1, -1, 1) + 0.5
    x = torch.arange(width, device=video.device).view(1, 1, -1) + 0.5
    positions, missed = [], []
    for body in bodies:
        mask = (nearest == 1 + names.index(body.colour)).float()
        count = mask.sum(dim=(1, 2))
        area = (np.pi if body.shape == "ball" else 4.0) * body.radius**2
        gone = count < VISIBLE * area
        centre = (
            torch.stack([(mask * x).sum(dim=(1, 2)), (mask * y).sum(dim=(1, 2))], dim=-1) / count.clamp(min=1)[:, None]
        )
        middle = torch.tensor([width / 2, height / 2], device=video.device)
        positions.append(torch.where(gone[:, None], middle, centre))
        missed.append(gone)
    return Track(torch.stack(positions, dim=1).cpu(), torch.stack(missed, dim=1).cpu())


def position_error(
    found: Float[Tensor, "frame body xy=2"], true: Float[Tensor, "frame body xy=2"]
) -> Float[Tensor, "frame body"]:
    """Euclidean distance in pixels."""
    distance: Tensor = torch.linalg.vector_norm(found - true, dim=-1)
    return distance


def ballistic(
    positions: Float[Tensor, "body xy=2"],
    velocities: Float[Tensor, "body xy=2"],
    scene: Scene,
    config: PhysicsConfig,
) -> Float[Tensor, "frame body xy=2"]:
    """Flight under gravity from the true state at the action frame, push included, without walls or collisions.

    Centres are clamped to the picture. One row per future frame.
    """
    velocities = velocities.clone()
    if scene.action is not None:
        velocities[scene.action.body] += config.push * torch.tensor(DIRECTIONS[scene.action.direction])
    steps = config.frames - 1 - config.action_frame
    time = torch.arange(1, steps + 1).view(-1, 1, 1) / config.frame_rate
    path = positions + velocities * time + 0.5 * torch.tensor(scene.gravity) * time**2
    return path.clamp(0, config.size)
