"""Baselines that know the simulated world but have no video model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from foresight.physics import Body, PhysicsConfig, SimulatedSplit, make_clip
from foresight.physics.look import PLAIN, Look
from foresight.physics.render import render
from foresight.physics.tracking import track

Videos = Float[Tensor, "batch 3 frame height width"]

LOOKED_AT = (-1, -5)
"""Context frames by which clips are compared: where things are, and where they come from."""
PIXELS = 16


class NearestClip:
    """The future of the training clip whose context looks most alike.

    Args:
        physics: the world.
        clips: how many training clips it remembers, from the first seed of the training split on.
    """

    def __init__(self, physics: PhysicsConfig, clips: int) -> None:
        self._library = SimulatedSplit(physics, "train", clips)
        self._looks = torch.cat([_look(clip.context[None]) for clip in self._library])

    def __call__(self, contexts: Videos, frames: int) -> Videos:
        """The remembered futures, in [−1, 1]."""
        nearest = torch.cdist(_look(contexts.cpu()), self._looks).argmin(dim=1).tolist()
        clips = [make_clip(self._library.seeds[index], self._library.physics) for index in nearest]
        return torch.stack([clip.future[:, :frames] for clip in clips])


def constant_velocity(
    context: Float[Tensor, "3 context height width"], bodies: Sequence[Body], frames: int, look: Look = PLAIN
) -> Float[Tensor, "3 frame height width"]:
    """Each body, found by its colour, goes on as between its last two places until a wall stops it.

    It is given the looks of the bodies and of the place, not where they are.

    Raises:
        ValueError: if the context has a single frame.
    """
    if context.shape[1] < 2:
        raise ValueError("expected at least 2 context frames to see motion, got 1")
    size = context.shape[2]
    before, last = track(context[:, -2:], bodies, look).positions
    steps = torch.arange(1, frames + 1).view(-1, 1, 1)
    radius = torch.tensor([body.radius for body in bodies])[:, None]
    path = torch.minimum(torch.maximum(last + (last - before) * steps, radius), size - radius)
    return render(path.numpy(), bodies, size, replace(look, noise=0.0)).float() / 127.5 - 1


def _look(contexts: Videos) -> Float[Tensor, "batch value"]:
    chosen = contexts[:, :, [frame % contexts.shape[2] for frame in LOOKED_AT]]
    return adaptive_avg_pool2d(chosen.flatten(1, 2), PIXELS).flatten(1)
