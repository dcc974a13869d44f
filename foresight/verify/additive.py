"""A generalised additive model (Hastie & Tibshirani 1990): contributions of figures add up to log-odds.

A figure counts by its standing among right examples, not on its own scale, and its contribution is a broken line of
that standing: far from right examples can be damning while everything near them says nothing, on either side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from foresight.verify.calibration import fit_logistic

KNOTS = 101
# Standings at which a line may bend, on both sides of what is most usual.
BENDS = (0.0, 1.0)
# So that separable labels have finite answers.
PENALTY = 1.0


@dataclass(frozen=True)
class Additive:
    """Log-odds = bias + Σ over figures of a broken line of the figure's `standing`.

    Args:
        knots: ascending quantiles of each figure among right examples, at (i + ½) / number of knots.
        slopes: how much steeper each line gets behind its bends: those above the middle, then those below.
        usual: mean of each line over the fitting examples.
        bias: the log-odds where every contribution is its usual one.
    """

    knots: Float[Tensor, "knot figure"]
    slopes: Float[Tensor, "bend figure"]
    usual: Float[Tensor, " figure"]
    bias: Float[Tensor, ""]

    def contributions(self, values: Float[Tensor, "example figure"]) -> Float[Tensor, "example figure"]:
        """Contribution of each figure to the log-odds, for right (above 0) or against it, less its usual one."""
        return (_bent(standing(values, self.knots)) * self.slopes).sum(dim=1) - self.usual

    def logit(self, values: Float[Tensor, "example figure"]) -> Float[Tensor, " example"]:
        """The log-odds of each example."""
        return self.contributions(values).sum(dim=1) + self.bias


def fit_additive(
    values: Float[Tensor, "example figure"], right: Bool[Tensor, " example"], counts: Float[Tensor, " example"]
) -> Additive:
    """Maximum likelihood with a Gaussian prior on the slopes.

    Args:
        values: finite figures.
        right: labels.
        counts: how many times each example counts.

    Raises:
        ValueError: if all labels are equal.
    """
    if bool(right.all()) or not bool(right.any()):
        raise ValueError(f"expected both labels, got {int(right.sum())} of {len(right)} right")
    levels = (torch.arange(KNOTS, dtype=torch.float64) + 0.5) / KNOTS
    knots = torch.quantile(values[right].double(), levels, dim=0)
    bent = _bent(standing(values.double(), knots))
    fitted = fit_logistic(bent.flatten(1), right, penalty=PENALTY, counts=counts)
    slopes = fitted.weights.view(bent.shape[1:])
    usual = ((bent * slopes).sum(dim=1) * counts[:, None]).sum(dim=0) / counts.sum()
    return Additive(knots, slopes, usual, fitted.bias + usual.sum())


def standing(
    values: Float[Tensor, "example figure"], knots: Float[Tensor, "knot figure"]
) -> Float[Tensor, "example figure"]:
    """Each figure through its empirical distribution onto a standard normal, and on behind both ends of it.

    There it grows with the logarithm of the distance, in units of what one standing is worth on average: what is far
    outside stands out, and no outlier outweighs everything.
    """
    count = knots.shape[0]
    end = _normal(torch.tensor(1 - 0.5 / count, dtype=torch.float64))
    unit = ((knots[-1] - knots[0]) / (2 * end)).clamp(min=1e-9)
    outside = torch.log1p((values - knots[-1]).relu() / unit) - torch.log1p((knots[0] - values).relu() / unit)
    columns = [_inside(values[:, column], knots[:, column]) for column in range(values.shape[1])]
    return torch.stack(columns, dim=1) + outside


def _inside(values: Float[Tensor, " example"], grid: Float[Tensor, " knot"]) -> Float[Tensor, " example"]:
    count, grid, values = len(grid), grid.contiguous(), values.contiguous()
    low = torch.searchsorted(grid, values, right=False)
    high = torch.searchsorted(grid, values, right=True)
    left, right = grid[(high - 1).clamp(0, count - 1)], grid[high.clamp(0, count - 1)]
    between = ((values - left) / (right - left).clamp(min=1e-12)).clamp(0, 1)
    # Between two knots: interpolate; on tied knots: their middle; beyond the ends: the end.
    tied = high > low
    place = torch.where(tied, (low + high).double() / 2, (high - 0.5) + between).clamp(0.5, count - 0.5)
    return _normal(place / count)


def _normal(level: Float[Tensor, ...]) -> Float[Tensor, ...]:
    """The quantile of a standard normal."""
    return math.sqrt(2) * torch.erfinv(2 * level - 1)


def _bent(standings: Float[Tensor, "example figure"]) -> Float[Tensor, "example bend figure"]:
    return torch.stack([torch.relu(side * standings - bend) for side in (1, -1) for bend in BENDS], dim=1)
