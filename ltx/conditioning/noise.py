"""Noise on given frames during sampling: helps motion to continue from a still image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.flow.noise import Generators, draw_noise
from ltx.flow.sampler import EPSILON


@dataclass(frozen=True)
class ConditioningNoise:
    """Before a step at time t, tokens of strength 1 become initial + scale·t²·ε with fresh ε.

    Their timestep for the network stays that of clean ones. Pass it to `ltx.flow.sample` as `before_step`.

    Attributes:
        initial: the tokens at the start of the run.
        strength: their conditioning strength.
        scale: amount of noise at t = 1; the released command line uses 0.15.
        generator: source of the noise.
    """

    initial: Float[Tensor, "batch token channel"]
    strength: Float[Tensor, "batch token"]
    scale: float
    generator: Generators

    def __call__(
        self, tokens: Float[Tensor, "batch token channel"], sigma: float
    ) -> Float[Tensor, "batch token channel"]:
        """Tokens with the given ones noised."""
        noised = self.initial + self.scale * draw_noise(self.initial, self.generator) * sigma**2
        return torch.where((self.strength > 1 - EPSILON).unsqueeze(-1), noised, tokens)
