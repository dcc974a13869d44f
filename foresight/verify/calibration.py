"""Calibration of scores to probabilities, their reliability, and thresholds with a stated coverage."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class Logistic:
    """P(right) = 1 / (1 + exp(−(w·x + b)))."""

    weights: Float[Tensor, " feature"]
    bias: Float[Tensor, ""]

    def logit(self, x: Float[Tensor, "example feature"]) -> Float[Tensor, " example"]:
        """w·x + b."""
        return x @ self.weights + self.bias


def fit_logistic(
    x: Float[Tensor, "example feature"],
    right: Bool[Tensor, " example"],
    *,
    penalty: float,
    counts: Float[Tensor, " example"] | None = None,
) -> Logistic:
    """Maximum likelihood with a Gaussian prior on the weights, by Newton's method in float64.

    The same as scikit-learn's `LogisticRegression` with C = 1/λ; see `foresight.verify.isotonic` on why it is not used.

    Args:
        x: features.
        right: labels.
        penalty: λ of ½·λ·|w|², above 0 so that separable data have a finite answer.
        counts: how many times each example counts; None is once.

    Raises:
        ValueError: if all labels are equal or the penalty is not above 0.
    """
    if bool(right.all()) or not bool(right.any()) or not penalty > 0:
        raise ValueError(f"expected both labels and a penalty above 0, got {int(right.sum())} of {len(right)} right")
    design = torch.cat([x.double(), torch.ones(len(x), 1, dtype=torch.float64)], dim=1)
    labels = right.double()
    times = torch.ones(len(x), dtype=torch.float64) if counts is None else counts.double()
    prior = torch.full((design.shape[1],), penalty, dtype=torch.float64)
    prior[-1] = 1e-9
    theta = torch.zeros(design.shape[1], dtype=torch.float64)
    for _ in range(100):
        p = torch.sigmoid(design @ theta)
        gradient = design.T @ (times * (p - labels)) + prior * theta
        hessian = design.T @ (design * (times * p * (1 - p))[:, None]) + torch.diag(prior)
        step = torch.linalg.solve(hessian, gradient)
        # A damped step: Newton overshoots where the data are nearly separable.
        theta = theta - step * min(1.0, 2.0 / float(step.abs().max().clamp(min=1e-12)))
        if float(step.abs().max()) < 1e-8:
            break
    return Logistic(theta[:-1], theta[-1])


def fit_platt(
    scores: Float[Tensor, " example"], right: Bool[Tensor, " example"], counts: Float[Tensor, " example"] | None = None
) -> Logistic:
    """Platt's calibration (1999): a logistic of the score alone, on data that the score was not fitted on."""
    return fit_logistic(scores[:, None], right, penalty=1e-3, counts=counts)


def conformal_lower(scores: Float[Tensor, " example"], coverage: float) -> float:
    """The largest t such that a new exchangeable score is ≥ t with probability of at least `coverage`.

    Split conformal prediction: the ⌊(n+1)(1−coverage)⌋-th smallest of n scores; −∞ if n is too small for it.

    Raises:
        ValueError: if the coverage is not in (0, 1).
    """
    if not 0 < coverage < 1:
        raise ValueError(f"expected a coverage in (0, 1), got {coverage}")
    rank = math.floor((len(scores) + 1) * (1 - coverage) + 1e-9)
    return -math.inf if rank < 1 else float(scores.sort().values[rank - 1])


@dataclass(frozen=True)
class ReliabilityBin:
    """Examples whose probability fell into one bin: their mean probability, the share that was right, their number."""

    probability: float
    right: float
    examples: int


def reliability(
    probability: Float[Tensor, " example"], right: Bool[Tensor, " example"], *, bins: int = 10
) -> list[ReliabilityBin]:
    """The reliability curve over equally wide bins, empty ones left out."""
    index = (probability * bins).long().clamp(0, bins - 1)
    curve = []
    for number in range(bins):
        chosen = index == number
        if bool(chosen.any()):
            share = float(right[chosen].double().mean())
            curve.append(ReliabilityBin(float(probability[chosen].double().mean()), share, int(chosen.sum())))
    return curve
