"""Figures of scored examples with intervals over clips: a clip's examples are drawn together, both labels count alike.

A statistic here takes weights (draw, example) and gives one value per draw, so that all resamples are one matrix. The
first draw is the sample itself. Weighting both labels to one half makes figures comparable between benchmarks with
different shares of right examples; AUROC does not depend on it.

torchmetrics, with which a test compares every figure, has no weights and takes one sample at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from foresight.metrics.statistics import Estimate

Scores = Float[Tensor, " example"]
Labels = Bool[Tensor, " example"]
Weights = Float[Tensor, "draw example"]
DRAWS = 1000


def clip_weights(clips: Sequence[int], right: Labels, *, draws: int = DRAWS, seed: int = 0) -> Weights:
    """Weights of the examples in each resample of the clips, each label's adding up to one half.

    Args:
        clips: which clip each example belongs to.
        right: labels.
        draws: resamples behind the sample itself.
        seed: of the resampling.

    Raises:
        ValueError: if there is no example, or a label is missing.
    """
    if len(clips) != len(right) or bool(right.all()) or not bool(right.any()):
        raise ValueError(f"expected examples of both labels, got {int(right.sum())} right of {len(clips)}")
    _, owner = np.unique(np.asarray(clips), return_inverse=True)
    count = int(owner.max()) + 1
    rng = np.random.default_rng(seed)
    drawn = np.concatenate([np.ones((1, count)), rng.multinomial(count, np.full(count, 1 / count), size=draws)])
    return balanced(torch.from_numpy(drawn[:, owner]), right)


def balanced(weights: Weights, right: Labels) -> Weights:
    """The same with the weights of each label adding up to one half; NaN in draws that lack a label."""
    halves = [0.5 * weights / (weights * chosen).sum(dim=1, keepdim=True) for chosen in (right, ~right)]
    return torch.where(right, halves[0], halves[1])


def estimate(values: Float[Tensor, " draw"], clips: Sequence[int]) -> Estimate:
    """The sample's value with its 95 % percentile interval; draws that lack a label say nothing."""
    low, high = np.nanpercentile(values[1:].numpy(), [2.5, 97.5])
    return Estimate(float(values[0]), float(low), float(high), len(set(clips)))


def auroc(scores: Scores, right: Labels, weights: Weights) -> Float[Tensor, " draw"]:
    """Probability that a right example scores above a wrong one; ties count half."""
    above, below = _by_score(weights * right, scores), _by_score(weights * ~right, scores)
    lower = below.cumsum(dim=1) - below / 2
    return (above * lower).sum(dim=1) / (above.sum(dim=1) * below.sum(dim=1))


def average_precision(scores: Scores, right: Labels, weights: Weights) -> Float[Tensor, " draw"]:
    """Area under precision over recall, as a step function; one half is chance for balanced labels."""
    hits = _by_score(weights * right, scores).flip(1)
    false = _by_score(weights * ~right, scores).flip(1)
    found = hits.cumsum(dim=1)
    precision = found / (found + false.cumsum(dim=1)).clamp(min=1e-300)
    return (hits * precision).sum(dim=1) / hits.sum(dim=1)


def brier(probability: Scores, right: Labels, weights: Weights) -> Float[Tensor, " draw"]:
    """Mean squared difference of probability and outcome."""
    return (weights * (probability - right.double()) ** 2).sum(dim=1) / weights.sum(dim=1)


def calibration_error(
    probability: Scores, right: Labels, weights: Weights, *, bins: int = 15
) -> Float[Tensor, " draw"]:
    """Mean |share right − mean probability| over equally wide bins, by their examples (Naeini et al., 2015)."""
    index = (probability * bins).long().clamp(0, bins - 1)
    gaps = _by_group(weights * (right.double() - probability), index, bins)
    return gaps.abs().sum(dim=1) / weights.sum(dim=1)


def difference(
    one: Scores,
    other: Scores,
    right: Labels,
    weights: Weights,
    statistic: Callable[[Scores, Labels, Weights], Float[Tensor, " draw"]] = auroc,
) -> Float[Tensor, " draw"]:
    """A statistic of one score minus that of another on the same draws: the paired comparison."""
    return statistic(one, right, weights) - statistic(other, right, weights)


def _by_score(values: Weights, scores: Scores) -> Float[Tensor, "draw level"]:
    """Sums over examples of equal score, from the lowest score up."""
    levels, index = torch.unique(scores, return_inverse=True)
    return _by_group(values, index, len(levels))


def _by_group(values: Weights, group: Int[Tensor, " example"], groups: int) -> Float[Tensor, "draw group"]:
    return values.new_zeros(len(values), groups).index_add_(1, group, values)
