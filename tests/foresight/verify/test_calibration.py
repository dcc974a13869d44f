"""Calibration by hand values."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from foresight.verify.calibration import (
    conformal_lower,
    fit_logistic,
    fit_platt,
    reliability,
)


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_the_bias_is_the_log_odds() -> None:
    """A feature that says nothing: weight 0 and bias log(3) for three right of four."""
    fitted = fit_logistic(torch.zeros(4, 1), torch.tensor([True, True, True, False]), penalty=1.0)
    assert float(fitted.weights[0]) == pytest.approx(0, abs=1e-9)
    assert float(fitted.bias) == pytest.approx(math.log(3), abs=1e-6)


def test_the_gradient_vanishes_at_the_fit() -> None:
    """Xᵀ(p − y) + λw = 0, also for separable data."""
    x, right = numbers(-2, -1, 1, 2)[:, None], torch.tensor([False, False, True, True])
    fitted = fit_logistic(x, right, penalty=0.5)
    residual = torch.sigmoid(fitted.logit(x)) - right.double()
    assert torch.allclose(x.T @ residual + 0.5 * fitted.weights, torch.zeros(1, dtype=torch.float64), atol=1e-6)
    assert float(fitted.weights[0]) > 0 and float(fit_platt(x[:, 0], right).weights[0]) > 0


def test_both_labels_are_needed() -> None:
    """All right, all wrong, or no penalty has no finite answer."""
    for right, penalty in (([True, True], 1.0), ([False, False], 1.0), ([True, False], 0.0)):
        with pytest.raises(ValueError, match="both labels"):
            fit_logistic(torch.zeros(2, 1), torch.tensor(right), penalty=penalty)


@pytest.mark.parametrize(("coverage", "threshold"), [(0.9, 1.0), (0.8, 2.0), (0.5, 5.0), (0.95, -math.inf)])
def test_conformal_thresholds_by_hand(coverage: float, threshold: Any) -> None:
    """Nine scores 1 … 9: the ⌊10·(1 − coverage)⌋-th smallest."""
    assert conformal_lower(torch.arange(9.0, 0.0, -1.0), coverage) == threshold


def test_coverage_is_a_share() -> None:
    """0 and 1 are refused."""
    for coverage in (0.0, 1.0):
        with pytest.raises(ValueError, match="coverage"):
            conformal_lower(torch.ones(3), coverage)


def test_reliability_by_hand() -> None:
    """Two at 0.9 with one right, two at 0.1 with none right."""
    probability, right = numbers(0.9, 0.9, 0.1, 0.1) + 1e-9, torch.tensor([True, False, False, False])
    low, high = reliability(probability, right)
    assert (low.right, low.examples, high.right, high.examples) == (0.0, 2, 0.5, 2)


def test_an_example_that_counts_three_times_is_three_examples() -> None:
    """One right example of weight 3 beside a wrong one of weight 1: log-odds log(3)."""
    fitted = fit_logistic(torch.zeros(2, 1), torch.tensor([True, False]), penalty=1.0, counts=numbers(3, 1))
    assert float(fitted.bias) == pytest.approx(math.log(3), abs=1e-6)


def test_certainty_falls_into_the_last_bin() -> None:
    """1 shares the bin of 0.95; the mean probability of each bin is told."""
    first, last = reliability(numbers(0.05, 0.95, 1.0), torch.tensor([False, True, False]))
    assert (last.probability, last.right, last.examples) == (pytest.approx(0.975), 0.5, 2)
    assert (first.probability, first.right, first.examples) == (pytest.approx(0.05), 0.0, 1)
