from typing import Any

import numpy as np
import pytest

from foresight.metrics.statistics import bootstrap, difference_of_means, mean, ratio_of_means, skill


def test_interval_of_a_mean_has_its_coverage() -> None:
    """About 95 % of the intervals of normal samples hold the true mean."""
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(100):
        estimate = mean(rng.normal(1.0, 1.0, 50), seed=seed)
        hits += estimate.low <= 1.0 <= estimate.high
    assert 86 <= hits <= 100


def test_interval_equals_theory() -> None:
    """For many values the half width is 1.96 standard errors."""
    values = np.random.default_rng(1).normal(0, 2, 2000)
    estimate = mean(values)
    assert (estimate.high - estimate.low) / 2 == pytest.approx(1.96 * 2 / np.sqrt(2000), rel=0.08)


def test_pairing_is_kept() -> None:
    """Where both columns are proportional, the ratio has no spread at all: rows are resampled together."""
    reference = np.random.default_rng(2).uniform(1, 9, 40)
    estimate = ratio_of_means(0.3 * reference, reference)
    assert estimate.value == pytest.approx(0.3)
    assert estimate.high - estimate.low < 1e-12


def test_a_difference_is_paired() -> None:
    """A column that is 2 above another in every clip is 2 above it in every resample, however the clips differ."""
    other = np.random.default_rng(0).normal(0, 100, size=50)
    found = difference_of_means(other + 2, other)
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2))
    plain = bootstrap(lambda one, two: float(one.mean() - two.mean()), other + 2, other)
    assert found.as_dict() == pytest.approx(plain.as_dict())


def test_skill_by_hand() -> None:
    """Errors 1 and 3 beside 4 and 4: 1 − 2/4."""
    assert skill([1, 3], [4, 4]).value == pytest.approx(0.5)
    assert skill([4, 4], [4, 4]).value == 0


@pytest.mark.parametrize("columns", [([],), ([1.0], [1.0, 2.0]), ([1.0, float("nan")],)])
def test_bad_columns_are_refused(columns: Any) -> None:
    """No clips, unequal lengths, NaN."""
    with pytest.raises(ValueError, match="expected"):
        bootstrap(lambda *arrays: 0.0, *columns)
