"""Noise levels to train at: distributions of sigma over [0, 1], drawn from a generator.

Training puts more weight on high noise the more tokens a clip has, with the same line μ(n) as the sampling schedule of
the first releases.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.flow.path import interpolate, velocity_between
from ltx.flow.schedule import token_shift

# Standard normal quantiles of 0.5 % and 99.9 %: where the paper clamps the density (arXiv 2501.00103).
LOW_QUANTILE, HIGH_QUANTILE = -2.5758, 3.0902
SMALLEST = 1e-3


class AbstractSigmaDistribution(ABC):
    """A distribution of noise levels."""

    @abstractmethod
    def sample(self, batch: int, tokens: int, generator: torch.Generator) -> Float[Tensor, " batch"]:
        """One sigma for each sample.

        Args:
            batch: how many to draw.
            tokens: number of tokens to be predicted in each sample.
            generator: source of randomness; the result is on its device.
        """


@dataclass(frozen=True)
class UniformSigma(AbstractSigmaDistribution):
    """Uniform on [low, high] within [0, 1]."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 1:
            raise ValueError(f"expected 0 ≤ low < high ≤ 1, got {self.low} and {self.high}")

    def sample(self, batch: int, tokens: int, generator: torch.Generator) -> Float[Tensor, " batch"]:
        """One sigma for each sample, whatever the number of tokens."""
        return self.low + (self.high - self.low) * torch.rand(batch, generator=generator, device=generator.device)


@dataclass(frozen=True)
class ShiftedLogitNormal(AbstractSigmaDistribution):
    """σ = sigmoid(z·std + μ(n)), z ~ N(0, 1): Lightricks' trainer uses std 1."""

    std: float

    def __post_init__(self) -> None:
        if self.std <= 0:
            raise ValueError(f"expected a standard deviation above 0, got {self.std}")

    def sample(self, batch: int, tokens: int, generator: torch.Generator) -> Float[Tensor, " batch"]:
        """One sigma for each sample."""
        z = torch.randn(batch, generator=generator, device=generator.device)
        return torch.sigmoid(z * self.std + token_shift(tokens))


@dataclass(frozen=True)
class StretchedLogitNormal(AbstractSigmaDistribution):
    """The shifted logit-normal with its 0.5 % … 99.9 % range stretched to [0, 1], mixed with a uniform part.

    σ' = (σ − p_lo)/(p_hi − p_lo); values below 1e-3 are reflected there, the rest is clamped to [0, 1].

    Attributes:
        std: standard deviation of the logit.
        uniform_share: probability of a uniform sample instead, in [0, 1].
    """

    std: float
    uniform_share: float

    def __post_init__(self) -> None:
        if self.std <= 0 or not 0 <= self.uniform_share <= 1:
            raise ValueError(
                f"expected std above 0 and a share in [0, 1], got std {self.std} and uniform_share {self.uniform_share}"
            )

    def sample(self, batch: int, tokens: int, generator: torch.Generator) -> Float[Tensor, " batch"]:
        """One sigma for each sample."""
        mu = token_shift(tokens)
        low, high = (1 / (1 + math.exp(-(q * self.std + mu))) for q in (LOW_QUANTILE, HIGH_QUANTILE))
        stretched = (ShiftedLogitNormal(self.std).sample(batch, tokens, generator) - low) / (high - low)
        stretched = torch.where(stretched < SMALLEST, 2 * SMALLEST - stretched, stretched).clamp(0, 1)
        flat, choice = torch.rand(2, batch, generator=generator, device=generator.device)
        return torch.where(choice < self.uniform_share, flat, stretched)


@dataclass(frozen=True)
class MixedSigma(AbstractSigmaDistribution):
    """One of two distributions, drawn for each sample on its own.

    Attributes:
        first: drawn from with probability `share`.
        second: drawn from otherwise.
        share: in [0, 1].
    """

    first: AbstractSigmaDistribution
    second: AbstractSigmaDistribution
    share: float

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"expected a share in [0, 1], got {self.share}")

    def sample(self, batch: int, tokens: int, generator: torch.Generator) -> Float[Tensor, " batch"]:
        """One sigma for each sample."""
        choice = torch.rand(batch, generator=generator, device=generator.device)
        first = self.first.sample(batch, tokens, generator)
        second = self.second.sample(batch, tokens, generator)
        return torch.where(choice < self.share, first, second)


@dataclass(frozen=True)
class TrainingSample:
    """Input and target of the transformer in training.

    Attributes:
        tokens: noised tokens; given tokens are clean.
        timesteps: each token's time; 0 for given tokens.
        velocity: the target ε − x_0.
        mask: 1 for tokens to learn from, 0 for given ones.
    """

    tokens: Float[Tensor, "batch token channel"]
    timesteps: Float[Tensor, "batch token"]
    velocity: Float[Tensor, "batch token channel"]
    mask: Float[Tensor, "batch token"]


def noised(
    clean: Float[Tensor, "batch token channel"],
    noise: Float[Tensor, "batch token channel"],
    sigma: Float[Tensor, " batch"],
    given: Float[Tensor, "batch token"],
) -> TrainingSample:
    """A training sample at noise levels sigma, with the tokens marked 1 in `given` left clean at time 0."""
    timesteps = sigma.to(clean).unsqueeze(-1) * (1 - given.to(clean))
    return TrainingSample(interpolate(clean, noise, timesteps), timesteps, velocity_between(clean, noise), 1 - given)
