"""A fitted question: cross-fitting, contributions, decisions and isotonic calibration by hand values."""

from __future__ import annotations

import math

import pytest
import torch

from foresight.verify.additive import Additive
from foresight.verify.calibration import Logistic, fit_logistic
from foresight.verify.classifier import CalibratedClassifier, fit_classifier
from foresight.verify.isotonic import fit_isotonic


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


def head(right=(0.0, 1.0, 2.0, 3.0), wrong=(-3.0, -2.0, -1.0, 1.5)):
    """A head of one figure with knots −2 … 2 and slope 2 throughout, uncalibrated."""
    one, none = Logistic(numbers(1.0), torch.zeros((), dtype=torch.float64)), torch.zeros((), dtype=torch.float64)
    twice = Additive(torch.arange(-2.0, 3.0).double()[:, None], numbers(2, 0, -2, 0)[:, None], numbers(0.0), none)
    return CalibratedClassifier(("motion",), twice, one, numbers(*right), numbers(*wrong))


def test_decisions_by_hand() -> None:
    """At 80 % of four scores each, right ones reach from 0 up and wrong ones to 1.5: between both is nothing sure."""
    assert head().thresholds(0.8) == (0.0, 1.5)
    assert [head().decide(logit, 0.8) for logit in (-0.1, 0.0, 1.5, 1.6)] == ["reject", "abstain", "abstain", "accept"]
    assert head().thresholds(0.95) == (-math.inf, math.inf)
    assert head().decide(100.0, 0.95) == "abstain"


def test_pulls_add_up_to_the_logit() -> None:
    """Without bias and calibration, the contributions of a verdict are its logit."""
    value = {"motion": 0.5}
    assert sum(head().contributions(value).values()) == pytest.approx(float(head().logits({"motion": numbers(0.5)})))
    assert head().contributions({"motion": -1.5})["motion"] < 0 < head().contributions({"motion": 1.5})["motion"]


def test_noise_that_is_fitted_does_not_pass_for_knowledge() -> None:
    """With many figures of pure noise the cross-fitted scores of both labels overlap: coverage stays honest."""
    generator = torch.Generator().manual_seed(0)
    values = {str(index): torch.randn(160, generator=generator) for index in range(40)}
    right, clips = torch.arange(160) % 2 == 0, torch.arange(160) // 2
    fitted = fit_classifier(values, right, clips)
    above = (fitted.positive_scores[:, None] > fitted.negative_scores).double().mean()
    assert 0.35 < float(above) < 0.65
    logits = fitted.logits(values)
    assert float((logits[right][:, None] > logits[~right]).double().mean()) > 0.7


def test_labels_weigh_alike() -> None:
    """Three wrong examples for each right one and a figure that says nothing: the probability is one half."""
    right, clips = torch.arange(400) % 4 == 0, torch.arange(400) // 4
    generator = torch.Generator().manual_seed(1)
    values = {"motion": torch.randn(400, generator=generator)}
    probability = torch.sigmoid(fit_classifier(values, right, clips).logits(values))
    assert float(probability.mean()) == pytest.approx(0.5, abs=0.05)


def test_too_few_clips_are_refused() -> None:
    """Cross-fitting needs one clip per fold: eight are enough."""
    fit_classifier({"motion": torch.arange(16.0).sin()}, torch.arange(16) % 2 == 0, torch.arange(16) // 2)
    with pytest.raises(ValueError, match="at least 8 clips"):
        fit_classifier({"motion": torch.randn(8)}, torch.arange(8) % 2 == 0, torch.arange(8) // 2)


def test_counts_are_repetitions() -> None:
    """An example that counts twice is as good as the example twice."""
    x, right = torch.randn(6, 2, generator=torch.Generator().manual_seed(2)), torch.tensor([True, False] * 3)
    counts = numbers(1, 2, 1, 1, 3, 1)
    rows = torch.arange(6).repeat_interleave(counts.long())
    once, often = fit_logistic(x, right, penalty=0.5, counts=counts), fit_logistic(x[rows], right[rows], penalty=0.5)
    assert torch.allclose(once.weights, often.weights, atol=1e-8) and torch.allclose(once.bias, often.bias, atol=1e-8)


def test_isotonic_pools_violators_by_hand() -> None:
    """Labels 0 1 0 1 at 1 2 3 4: the middle two are pooled at 2.5, odds even; ends are drawn in by half examples."""
    fitted = fit_isotonic(numbers(1, 2, 3, 4), torch.tensor([False, True, False, True]), torch.ones(4))
    assert torch.allclose(fitted.scores, numbers(1, 2.5, 4))
    assert torch.allclose(fitted.log_odds, numbers(math.log(1 / 3), 0, math.log(3)))
    between = fitted.logit(numbers(0, 1.75, 2.5, 9)[:, None])
    assert torch.allclose(between, numbers(math.log(1 / 3), math.log(1 / 3) / 2, 0, math.log(3)))


def test_isotonic_follows_what_is_no_logistic() -> None:
    """Where the share of right jumps twice with a plateau between, isotonic probabilities find the plateau."""
    scores = torch.linspace(0, 3, 3001, dtype=torch.float64)
    truth = torch.where(scores < 1, 0.05, torch.where(scores < 2, 0.5, 0.95))
    right = torch.rand(3001, generator=torch.Generator().manual_seed(3)) < truth
    fitted = fit_isotonic(scores, right, torch.ones(3001))
    assert torch.allclose(
        torch.sigmoid(fitted.logit(numbers(0.5, 1.5, 2.5)[:, None])), numbers(0.05, 0.5, 0.95), atol=0.07
    )
    assert bool((fitted.log_odds.diff() >= 0).all())
