"""Comparison of runs on the clips that they share: paired differences with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foresight.errors import UserError
from foresight.metrics.statistics import Estimate, difference_of_means, mean
from foresight.results.run import Results
from foresight.results.values import WHOLE, ClipValues

FEWEST = 2
"""Clips that two runs must share."""


@dataclass(frozen=True)
class Comparison:
    """One metric of one method in two runs, on the clips that both have.

    Args:
        method: name.
        metric: name and unit.
        horizon: predicted frame; `WHOLE` for the whole clip, or the mean over its frames.
        first: mean in the first run.
        second: mean in the other.
        difference: second − first, paired by clip.
    """

    method: str
    metric: str
    horizon: int
    first: Estimate
    second: Estimate
    difference: Estimate

    @property
    def sure(self) -> bool:
        """True if the interval of the difference leaves out 0."""
        return self.difference.low > 0 or self.difference.high < 0


def compare(
    first: Results, second: Results, *, methods: Sequence[str] | None = None, by_frame: bool = False
) -> tuple[Comparison, ...]:
    """Compare two runs metric by metric.

    Clips are paired by name, so that what makes a clip hard for both cancels; the intervals are 95 % percentile
    bootstrap intervals over clips.

    Args:
        first: the run to compare with.
        second: the other.
        methods: to compare; None takes all that both have.
        by_frame: whether each predicted frame is compared, too.

    Raises:
        UserError: if the runs share no metric of a method on two clips.
    """
    found = []
    for one in first.values:
        if methods is None or one.method in methods:
            other = next((two for two in second.values if (two.method, two.metric) == (one.method, one.metric)), None)
            if other is not None:
                found += _compared(one, other, by_frame)
    if not found:
        raise UserError(
            expected="two runs that measure the same on the same clips",
            got=f"{first.path} ({', '.join(first.methods) or 'nothing'}) and {second.path} "
            f"({', '.join(second.methods) or 'nothing'}), which share fewer than {FEWEST} clips of any metric",
            remedy="compare runs of one benchmark on one split",
        )
    return tuple(found)


def _compared(one: ClipValues, other: ClipValues, by_frame: bool) -> list[Comparison]:
    places = {clip: row for row, clip in enumerate(other.clips)}
    rows = [(row, places[clip]) for row, clip in enumerate(one.clips) if clip in places]
    mine, theirs = ([pair[side] for pair in rows] for side in (0, 1))
    found = [_difference(one, WHOLE, one.whole[mine], other.whole[theirs])]
    if by_frame:
        for horizon in one.horizons:
            if horizon != WHOLE and horizon in other.horizons:
                found.append(_difference(one, horizon, one.at(horizon)[mine], other.at(horizon)[theirs]))
    return [comparison for comparison in found if comparison is not None]


def _difference(of: ClipValues, horizon: int, first: np.ndarray, second: np.ndarray) -> Comparison | None:
    """None where fewer than two clips have both values."""
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < FEWEST:
        return None
    first, second = first[both], second[both]
    return Comparison(of.method, of.metric, horizon, mean(first), mean(second), difference_of_means(second, first))
