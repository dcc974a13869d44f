"""Linear probes."""

from __future__ import annotations

import pytest
import torch

from foresight.metrics.ridge import fit_ridge


@pytest.mark.parametrize("inputs", [6, 80], ids=["fewer inputs than rows", "more inputs than rows"])
def test_an_exact_linear_map_is_read_exactly(inputs: int) -> None:
    """On rows it has not seen R² is 1: both ways of solving."""
    generator = torch.Generator().manual_seed(0)
    basis, rows = torch.randn(6, inputs, generator=generator), torch.randn(90, 6, generator=generator)
    x, y = rows @ basis + 3, rows @ torch.randn(6, 2, generator=generator) - 1
    probe = fit_ridge(x[:60], y[:60])
    unexplained = (probe(x[60:]) - y[60:]).square().sum() / (y[60:] - y[:60].mean(0)).square().sum()
    assert unexplained < 1e-4


def test_one_strength_by_hand() -> None:
    """Centred x = −1, −1, 0, 1, 1 and y = 2x: Σxy / (Σx² + λ) with λ = strength · 4/5 = 1 · 0.8 is 8 / 4.8."""
    x = torch.tensor([[-1.0], [-1.0], [0.0], [1.0], [1.0]])
    probe = fit_ridge(x, 2 * x + 5, strengths=[1.0])
    assert probe.weight.item() == pytest.approx(8 / 4.8) and probe.bias.item() == pytest.approx(5.0)


def test_noise_is_not_learnt_by_heart() -> None:
    """Where nothing is to be read, the strength chosen on held-out rows keeps the probe at the mean."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(300, 100, generator=generator), torch.randn(300, 1, generator=generator)
    probe = fit_ridge(x[:200], y[:200])
    error = (probe(x[200:]) - y[200:]).square().mean() / (y[200:] - y[:200].mean(0)).square().mean()
    assert error < 1.1 and probe.strength >= 1


def test_rows_must_be_paired() -> None:
    """The message says how many came."""
    with pytest.raises(ValueError, match="got 6 and 5"):
        fit_ridge(torch.zeros(6, 1), torch.zeros(5, 1))
