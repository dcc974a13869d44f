"""Targets of the grounding loss: the body in the cell of each vision token, from a clip's true states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from foresight.physics import COLOURS
from foresight.vlm.curriculum.episode import Episode

STATES = 5
"""Right and down from the cell's centre, in cells; velocity to the right and down, in `SPEED`; +1 ball, −1 box."""

SPEED = 20.0
"""Pixels per second that count as 1."""


@dataclass(frozen=True)
class Places:
    """Per vision token and colour: is a body of that colour centred in the token's cell, and how is it there.

    Args:
        presence: 1 where it is, else 0.
        states: see `STATES`; zeros where nothing is.
    """

    presence: Float[Tensor, "batch token colour"]
    states: Float[Tensor, "batch token colour state"]

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Places:
        """The same on another device."""
        return Places(*(v.to(device, non_blocking=non_blocking) for v in (self.presence, self.states)))


def places(episodes: Sequence[Episode], grid: tuple[int, int, int], indices: Sequence[int]) -> Places:
    """Targets for merged tokens in raster order, at the last frame that each token was made from.

    Args:
        episodes: simulated clips of one size.
        grid: times, rows and columns of merged tokens.
        indices: the frames that the model sees.
    """
    times, rows, columns = grid
    depth = -(-len(indices) // times)
    frames = [indices[min(depth * (time + 1), len(indices)) - 1] for time in range(times)]
    presence = torch.zeros(len(episodes), times, rows, columns, len(COLOURS))
    states = torch.zeros(*presence.shape, STATES)
    for index, episode in enumerate(episodes):
        size = torch.tensor([columns, rows]) / episode.config.size
        for number, body in enumerate(episode.bodies):
            colour = list(COLOURS).index(body.colour)
            shape = 1.0 if body.shape == "ball" else -1.0
            for time, frame in enumerate(frames):
                x, y = (episode.positions[frame, number] * size).tolist()
                row, column = min(rows - 1, max(0, int(y))), min(columns - 1, max(0, int(x)))
                speed = (episode.velocities[frame, number] / SPEED).tolist()
                place = (index, time, row, column, colour)
                presence[place] = 1.0
                states[place] = torch.tensor([x - column - 0.5, y - row - 0.5, *speed, shape])
    return Places(rearrange(presence, "b t h w c -> b (t h w) c"), rearrange(states, "b t h w c s -> b (t h w) c s"))
