"""Weighted figures by hand values, against torchmetrics, and their intervals over clips."""

from __future__ import annotations

import pytest
import torch
from torchmetrics.functional.classification import (
    binary_auroc,
    binary_average_precision,
    binary_calibration_error,
)

from foresight.metrics.resampling import (
    auroc,
    average_precision,
    balanced,
    brier,
    calibration_error,
    clip_weights,
    difference,
    estimate,
)


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


def sample(count=400, seed=0):
    """Scores with ties, equally many of both labels."""
    generator = torch.Generator().manual_seed(seed)
    right = torch.arange(count) % 2 == 0
    noise = torch.randn(count, generator=generator, dtype=torch.float64)
    return torch.sigmoid((noise + right * 1.0).mul(8).round() / 8), right


def test_figures_equal_torchmetrics() -> None:
    """For balanced labels the sample's own figures are the usual ones."""
    scores, right = sample()
    weights = clip_weights(range(400), right, draws=1)
    assert float(auroc(scores, right, weights)[0]) == pytest.approx(float(binary_auroc(scores, right.long())))
    expected = float(binary_average_precision(scores, right.long()))
    assert float(average_precision(scores, right, weights)[0]) == pytest.approx(expected)
    expected = float(binary_calibration_error(scores, right.long(), n_bins=15))
    assert float(calibration_error(scores, right, weights)[0]) == pytest.approx(expected, abs=1e-6)
    assert float(brier(scores, right, weights)[0]) == pytest.approx(float(((scores - right.double()) ** 2).mean()))


def test_auroc_by_hand() -> None:
    """Of 2 × 2 pairs three are in order and one is tied: 3.5 / 4."""
    right = torch.tensor([True, True, False, False])
    assert float(auroc(numbers(0.9, 0.5, 0.5, 0.1), right, torch.ones(1, 4).double())) == pytest.approx(0.875)


def test_both_labels_count_alike() -> None:
    """One right at .5 and three wrong at .5: balanced, the probability is calibrated; as they come it is not."""
    right = torch.tensor([True, False, False, False])
    probability, plain = numbers(0.5, 0.5, 0.5, 0.5), torch.ones(1, 4).double()
    assert float(calibration_error(probability, right, plain)) == pytest.approx(0.25)
    assert float(calibration_error(probability, right, balanced(plain, right))) == pytest.approx(0)


def test_examples_of_a_clip_are_drawn_together() -> None:
    """Twenty copies of each clip's examples change nothing: the interval knows that there are only forty clips."""
    scores, right = sample(80)
    clips = [row // 2 for row in range(80)]
    once = estimate(auroc(scores, right, clip_weights(clips, right)), clips)
    many = estimate(auroc(scores.repeat(20), right.repeat(20), clip_weights(clips * 20, right.repeat(20))), clips * 20)
    assert (many.low, many.high, many.clips) == (pytest.approx(once.low), pytest.approx(once.high), 40)
    assert 0.05 < once.high - once.low < 0.4


def test_a_paired_difference_cancels() -> None:
    """A score minus itself is 0 in every draw; a draw that lacks a label is left out."""
    scores, right = sample(20)
    weights = clip_weights(range(20), right)
    assert float(difference(scores, scores, right, weights).nan_to_num().abs().max()) == 0
    few = clip_weights([0, 1], torch.tensor([True, False]))
    assert estimate(auroc(numbers(0.9, 0.1), torch.tensor([True, False]), few), [0, 1]).value == 1


def test_one_label_is_refused() -> None:
    """There is nothing to tell apart."""
    with pytest.raises(ValueError, match="both labels"):
        clip_weights([0, 1], torch.tensor([True, True]))
