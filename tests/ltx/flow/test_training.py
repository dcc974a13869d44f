"""Noise levels to train at, and what a training sample shows and asks."""

import math
from typing import Any

import pytest
import torch

from ltx.flow import MixedSigma, ShiftedLogitNormal, StretchedLogitNormal, UniformSigma, noised

DRAWS = 40_000


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_uniform_stays_in_its_range_and_fills_it() -> None:
    """Uniform levels lie in [low, high] with the mean and spread of a uniform distribution."""
    drawn = UniformSigma(0.2, 0.6).sample(DRAWS, 1024, generator())
    assert drawn.shape == (DRAWS,)
    assert 0.2 <= drawn.min() < 0.201 and 0.599 < drawn.max() <= 0.6
    assert drawn.mean().item() == pytest.approx(0.4, abs=3e-3)
    assert drawn.std().item() == pytest.approx(0.4 / math.sqrt(12), abs=3e-3)


@pytest.mark.parametrize(("tokens", "mu"), [(1024, 0.95), (4096, 2.05), (256, 0.675)])
def test_shifted_logit_normal_has_a_normal_logit_about_the_token_shift(tokens: int, mu: float) -> None:
    """logit σ ~ N(μ(n), std²), with μ on the line through (1024, 0.95) and (4096, 2.05)."""
    logit = torch.logit(ShiftedLogitNormal(0.7).sample(DRAWS, tokens, generator()).double())
    assert logit.mean().item() == pytest.approx(mu, abs=0.02)
    assert logit.std().item() == pytest.approx(0.7, abs=0.02)


def test_stretched_logit_normal_maps_its_quantiles_to_the_ends() -> None:
    """Without a uniform part each level is (σ − p_lo)/(p_hi − p_lo) of the shifted draw, reflected at 1e-3, below 1."""
    mu, std = 0.95, 1.0
    low = 1 / (1 + math.exp(2.5758 * std - mu))
    high = 1 / (1 + math.exp(-(3.0902 * std + mu)))
    plain = ShiftedLogitNormal(std).sample(DRAWS, 1024, generator())
    expected = (plain - low) / (high - low)
    expected = torch.where(expected < 1e-3, 2e-3 - expected, expected).clamp(0, 1)
    got = StretchedLogitNormal(std, 0.0).sample(DRAWS, 1024, generator())
    torch.testing.assert_close(got, expected)
    assert got.min() >= 1e-3 and got.max() == 1


def test_stretched_logit_normal_mixes_in_uniform_levels() -> None:
    """A uniform share of 1 leaves only uniform levels."""
    got = StretchedLogitNormal(1.0, 1.0).sample(DRAWS, 4096, generator())
    assert got.mean().item() == pytest.approx(0.5, abs=0.01)


def test_mixture_draws_the_uniform_part_with_its_probability() -> None:
    """With probability 0.6 a level is uniform on [0.7, 1]; the others follow the other distribution."""
    elsewhere = UniformSigma(0.0, 0.5)
    drawn = MixedSigma(UniformSigma(0.7, 1.0), elsewhere, 0.6).sample(DRAWS, 16, generator())
    high = drawn >= 0.7
    assert high.float().mean().item() == pytest.approx(0.6, abs=0.01)
    assert drawn[high].mean().item() == pytest.approx(0.85, abs=3e-3)
    assert drawn[~high].max() <= 0.5
    assert drawn[~high].mean().item() == pytest.approx(0.25, abs=5e-3)


def test_mixture_with_an_extreme_share_is_one_of_its_parts() -> None:
    """Share 0 is the second distribution, share 1 is the first."""
    rest = ShiftedLogitNormal(1.0)
    logit = torch.logit(MixedSigma(UniformSigma(0.7, 1.0), rest, 0.0).sample(DRAWS, 1024, generator()).double())
    assert logit.mean().item() == pytest.approx(0.95, abs=0.02)
    assert MixedSigma(UniformSigma(0.7, 1.0), rest, 1.0).sample(DRAWS, 1024, generator()).min() >= 0.7


@pytest.mark.parametrize(
    "distribution",
    [
        UniformSigma(0.0, 1.0),
        ShiftedLogitNormal(1.0),
        StretchedLogitNormal(1.0, 0.1),
        MixedSigma(UniformSigma(0.7, 1.0), ShiftedLogitNormal(1.0), 0.6),
    ],
)
def test_levels_follow_the_generator_and_stay_in_range(distribution: Any) -> None:
    """Equal generators give equal levels, and every level lies in [0, 1]."""
    first, second = (distribution.sample(64, 2048, generator()) for _ in range(2))
    assert torch.equal(first, second)
    assert first.min() >= 0 and first.max() <= 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UniformSigma(0.5, 0.5), "low < high"),
        (lambda: UniformSigma(-0.1, 0.5), "low < high"),
        (lambda: UniformSigma(0.1, 1.5), "low < high"),
        (lambda: ShiftedLogitNormal(0.0), "above 0"),
        (lambda: StretchedLogitNormal(-1.0, 0.1), "above 0"),
        (lambda: StretchedLogitNormal(1.0, 1.1), "share"),
        (lambda: MixedSigma(UniformSigma(0, 1), UniformSigma(0, 1), 1.2), "share"),
    ],
)
def test_impossible_distributions_are_refused(make: Any, message: str) -> None:
    """Ranges out of order, spreads that are not positive and shares that are no probabilities raise."""
    with pytest.raises(ValueError, match=message):
        make()


def test_training_sample_noises_free_tokens_only() -> None:
    """Free tokens are (1−σ)x₀+σε at time σ with target ε−x₀; given ones are clean at time 0 and not learned from."""
    clean, noise = torch.randn(2, 2, 3, 4, generator=generator()).unbind(0)
    sigma = torch.tensor([0.25, 0.75])
    given = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    result = noised(clean, noise, sigma, given)
    assert torch.equal(result.tokens[0, 0], clean[0, 0]) and torch.equal(result.tokens[1, 2], clean[1, 2])
    torch.testing.assert_close(result.tokens[0, 1], 0.75 * clean[0, 1] + 0.25 * noise[0, 1])
    torch.testing.assert_close(result.tokens[1, 0], 0.25 * clean[1, 0] + 0.75 * noise[1, 0])
    assert result.timesteps.tolist() == [[0, 0.25, 0.25], [0.75, 0.75, 0]]
    torch.testing.assert_close(result.velocity, noise - clean)
    assert result.mask.tolist() == [[0, 1, 1], [1, 1, 0]]
