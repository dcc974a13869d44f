"""Reading of numeric actions: normalised numbers and their time, one state per step."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adapters.actions import ActionSequence, ActionSpace
from adapters.model_pair import ModelPair

WAVES = 8
"""Frequencies by which a step's time is told, from one period in the longest time to 2⁷."""


@dataclass(frozen=True)
class ActionConfig:
    """Fields that the configurations of all adapters of actions have.

    Args:
        pairing: the models it joins; of the vision-language model nothing is read.
        space: names, ranges and normalisation of the actions.
        width: channels inside.
        seconds: the longest time after now that it is made for, above 0.
    """

    pairing: ModelPair
    space: ActionSpace
    width: int
    seconds: float

    def __post_init__(self) -> None:
        if self.width < 1 or not (math.isfinite(self.seconds) and self.seconds > 0):
            raise ValueError(f"expected a width of at least 1 and seconds above 0, got {self.width} and {self.seconds}")


class StepEncoder(nn.Module):
    """Two layers over the normalised numbers of a step and the sines and cosines of its time."""

    def __init__(self, config: ActionConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(
            nn.Linear(len(config.space) + 2 * WAVES, config.width), nn.SiLU(), nn.Linear(config.width, config.width)
        )

    def forward(
        self, actions: ActionSequence | None, seconds: Float[Tensor, "batch step"] | None = None
    ) -> Float[Tensor, "batch step width"]:
        """States of the steps.

        Args:
            actions: of each clip.
            seconds: told in place of the steps' own times, such as the time since a frame began.

        Raises:
            ValueError: if there are none, or they are of another space.
        """
        actions = require_actions(actions, self.config.space)
        dtype = next(self.parameters()).dtype
        times = actions.seconds.float()[None].expand(len(actions), -1) if seconds is None else seconds
        waves = times[..., None] * (math.pi / self.config.seconds) * 2.0 ** torch.arange(WAVES, device=times.device)
        numbers = self.config.space.normalised(actions.values.float())
        states: Tensor = self.layers(torch.cat([numbers, waves.sin(), waves.cos()], dim=-1).to(dtype))
        return states


def require_actions(actions: ActionSequence | None, space: ActionSpace) -> ActionSequence:
    """The actions, if they are of the space.

    Raises:
        ValueError: if there are none, or they are of another space.
    """
    if actions is None:
        raise ValueError(f"expected actions of {len(space)} numbers ({', '.join(space.names)}), got none")
    space.check(actions.values)
    return actions
