"""Predictions that know the world but have no video model: what a model has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from foresight.physics import Body, PhysicsConfig, make_clip
from foresight.physics.clip import SPLITS
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
        self._physics = physics
        self._seeds = range(SPLITS["train"], SPLITS["train"] + clips)
        contexts = (make_clip(seed, physics).tensor[None, :, : physics.context_frames] for seed in self._seeds)
        self._looks = torch.cat([_look(context) for context in contexts])

    def __call__(self, contexts: Videos, frames: int) -> Videos:
        """The remembered futures, in [−1, 1]."""
        nearest = torch.cdist(_look(contexts.cpu()), self._looks).argmin(dim=1).tolist()
        given = self._physics.context_frames
        clips = [make_clip(self._seeds[index], self._physics) for index in nearest]
        return torch.stack([clip.tensor[:, given : given + frames] for clip in clips])


def constant_velocity(
    context: Float[Tensor, "3 context height width"], bodies: Sequence[Body], frames: int, look: Look = PLAIN
) -> Float[Tensor, "3 frame height width"]:
    """Each body, found by its colour, goes on as between its last two places until a wall stops it.

    It is told what the bodies and the place look like, not where they are.

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
