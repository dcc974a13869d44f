"""Means with bootstrap intervals over clips; comparisons resample the clips of both sides together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % percentile bootstrap interval."""

    value: float
    low: float
    high: float
    clips: int

    def __format__(self, spec: str) -> str:
        spec = spec or ".3g"
        return f"{self.value:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return {"value": self.value, "low": self.low, "high": self.high, "clips": self.clips}


def bootstrap(statistic: Callable[..., float], *columns: ArrayLike, seed: int = 0) -> Estimate:
    """A statistic of per-clip columns, all of one length, with its interval.

    Args:
        statistic: takes the columns (each an array over clips), returns a number.
        columns: paired values: row i of each belongs to clip i.
        seed: of the resampling.

    Raises:
        ValueError: if there are no clips, lengths differ, or a value is not finite.
    """
    arrays = [np.asarray(column, dtype=np.float64) for column in columns]
    count = len(arrays[0])
    if count == 0 or any(len(array) != count for array in arrays):
        raise ValueError(f"expected columns of one length above 0, got {[len(array) for array in arrays]}")
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("expected finite values, got NaN or infinity in a column")
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(RESAMPLES):
        rows = rng.integers(count, size=count)
        draws.append(statistic(*(array[rows] for array in arrays)))
    low, high = np.percentile(draws, [2.5, 97.5])
    return Estimate(float(statistic(*arrays)), float(low), float(high), count)


def mean(values: ArrayLike, seed: int = 0) -> Estimate:
    """Mean over clips."""
    return bootstrap(lambda column: float(column.mean()), values, seed=seed)


def ratio_of_means(numerator: ArrayLike, denominator: ArrayLike, seed: int = 0) -> Estimate:
    """Mean of one column divided by the mean of the other, paired."""
    return bootstrap(lambda top, bottom: float(top.mean() / bottom.mean()), numerator, denominator, seed=seed)


def skill(error: ArrayLike, reference: ArrayLike, seed: int = 0) -> Estimate:
    """1 − error / reference error: 0 is as good as the reference, 1 is perfect, below 0 is worse."""
    return bootstrap(lambda own, other: float(1 - own.mean() / other.mean()), error, reference, seed=seed)
