"""Integration of the flow from noise to video with one time per token.

A step rule moves tokens from their times t to their next times s; the loop, the grid and the conditioning mask live
here once. Guidance is a denoiser that wraps a denoiser (`ltx.flow.guidance`), so nothing here knows about it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.flow.noise import Generators, draw_noise
from ltx.flow.path import clean_from_velocity, interpolate

# Two times closer than this are the same time.
EPSILON = 1e-6


class Denoiser(Protocol):
    """Predicts the velocity ε − x_0 of noisy tokens, given each token's time in [0, 1]."""

    def __call__(
        self, tokens: Float[Tensor, "batch token channel"], timesteps: Float[Tensor, "batch token"]
    ) -> Float[Tensor, "batch token channel"]:
        """Velocity at tokens and timesteps."""


class StepRule(Protocol):
    """Moves tokens from times t to times s ≤ t along a predicted velocity."""

    def __call__(
        self,
        x_t: Float[Tensor, "batch token channel"],
        velocity: Float[Tensor, "batch token channel"],
        t: Float[Tensor, "batch token"],
        s: Float[Tensor, "batch token"],
    ) -> Float[Tensor, "batch token channel"]:
        """Tokens at time s."""


@dataclass(frozen=True)
class Progress:
    """State after a step: its number (from 1), the number of steps, the step's time, and the tokens after it."""

    step: int
    steps: int
    sigma: float
    tokens: Float[Tensor, "batch token channel"]


BeforeStep = Callable[[Float[Tensor, "batch token channel"], float], Float[Tensor, "batch token channel"]]


def euler_step(
    x_t: Float[Tensor, "batch token channel"],
    velocity: Float[Tensor, "batch token channel"],
    t: Float[Tensor, "batch token"],
    s: Float[Tensor, "batch token"],
) -> Float[Tensor, "batch token channel"]:
    """x_s = x_t − (t − s)·v."""
    return x_t - (t - s).unsqueeze(-1) * velocity


@dataclass(frozen=True)
class StochasticStep:
    """Jump to the predicted clean tokens and noise them again with fresh noise: x_s = (1 − s)·x_0 + s·ε.

    The rule of the 0.9.6 distilled release. Tokens at time 0 keep their values.
    """

    generator: Generators

    def __call__(
        self,
        x_t: Float[Tensor, "batch token channel"],
        velocity: Float[Tensor, "batch token channel"],
        t: Float[Tensor, "batch token"],
        s: Float[Tensor, "batch token"],
    ) -> Float[Tensor, "batch token channel"]:
        """Tokens at time s."""
        return interpolate(clean_from_velocity(x_t, velocity, t), draw_noise(x_t, self.generator), s)


def next_times(timesteps: Float[Tensor, "batch token"], sigmas: Float[Tensor, " step"]) -> Float[Tensor, "batch token"]:
    """For every token the largest of {sigmas, 0} that lies below its own time; 0 for tokens already at 0.

    A token's time need not be a member of the schedule.
    """
    grid = torch.cat([sigmas, sigmas.new_zeros(1)])
    below = grid < timesteps.unsqueeze(-1) - EPSILON
    return torch.where(below, grid, 0).amax(dim=-1)


def sample(
    denoiser: Denoiser,
    tokens: Float[Tensor, "batch token channel"],
    sigmas: Float[Tensor, " step"],
    *,
    strength: Float[Tensor, "batch token"] | None = None,
    step: StepRule = euler_step,
    before_step: BeforeStep | None = None,
    on_step: Callable[[Progress], None] | None = None,
) -> Float[Tensor, "batch token channel"]:
    """Integrate the flow over the times `sigmas` and then to 0.

    Args:
        denoiser: predicts velocities.
        tokens: where to start: pure noise for sigmas[0] = 1, or `interpolate(clean, noise, sigmas[0])` below 1.
        sigmas: descending times in (0, 1], without the final 0.
        strength: conditioning strength m ∈ [0, 1] per token, None for 0 everywhere. A token is shown to the network at
            time min(t, 1 − m) and moves only at steps with t < 1 − m: with m = 1 it keeps its value and is declared
            clean.
        step: the step rule.
        before_step: may replace tokens before each step, given the tokens and the step's time.
        on_step: called after every step.
    """
    sigmas = sigmas.to(device=tokens.device, dtype=torch.float32)
    times = sigmas.tolist()
    highest = torch.ones_like(tokens[..., 0], dtype=torch.float32)
    if strength is not None:
        highest = 1 - strength.to(highest)
    for index, sigma in enumerate(times):
        if before_step is not None:
            tokens = before_step(tokens, sigma)
        t = highest.clamp(max=sigma)
        velocity = denoiser(tokens, t)
        moved = step(tokens.float(), velocity.float(), t, next_times(t, sigmas)).to(tokens.dtype)
        tokens = torch.where((sigma - EPSILON < highest).unsqueeze(-1), moved, tokens)
        if on_step is not None:
            on_step(Progress(index + 1, len(times), sigma, tokens))
    return tokens
