"""Isotonic calibration: probabilities that only have to rise with the score (Zadrozny & Elkan, 2002).

scikit-learn's `IsotonicRegression` pools the same blocks (of 7,000 weighted examples all 42, scores within 1e-15) in as
little time, 3 ms instead of 5. It would be the only use of scikit-learn and scipy: 200 MB installed, and 1.1 s of
import whenever a verifier is read. So the 15 lines of pooling stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class Isotonic:
    """A rising line through (score, log-odds) knots, constant beyond the ends."""

    scores: Float[Tensor, " knot"]
    log_odds: Float[Tensor, " knot"]

    def logit(self, x: Float[Tensor, "example one"]) -> Float[Tensor, " example"]:
        """Calibrated log-odds of scores, by interpolation."""
        x = x[:, 0].contiguous()
        if len(self.scores) == 1:
            return self.log_odds.expand(len(x))
        right = torch.searchsorted(self.scores, x).clamp(1, len(self.scores) - 1)
        left = right - 1
        share = ((x - self.scores[left]) / (self.scores[right] - self.scores[left]).clamp(min=1e-12)).clamp(0, 1)
        return torch.lerp(self.log_odds[left], self.log_odds[right], share)


def fit_isotonic(
    scores: Float[Tensor, " example"], right: Bool[Tensor, " example"], counts: Float[Tensor, " example"]
) -> Isotonic:
    """Least squares under the order, by pooling adjacent violators.

    A block's share of right examples is drawn towards one half by half an example of each label, so that a block of one
    label has finite odds; its score is the mean of its examples'.

    Args:
        scores: that the calibration is for, not fitted on these examples.
        right: labels.
        counts: how many times each example counts.
    """
    order = scores.double().argsort(stable=True)
    blocks: list[tuple[float, float, float]] = []
    for score, label, count in zip(
        scores.double()[order].tolist(), right[order].tolist(), counts.double()[order].tolist(), strict=True
    ):
        weight, positive, total = count, count * label, count * score
        while blocks and blocks[-1][1] * weight >= positive * blocks[-1][0]:
            before = blocks.pop()
            weight, positive, total = weight + before[0], positive + before[1], total + before[2]
        blocks.append((weight, positive, total))
    table = torch.tensor(blocks, dtype=torch.float64)
    share = (table[:, 1] + 0.5) / (table[:, 0] + 1)
    # Drawing blocks of different size towards one half may turn neighbours round.
    return Isotonic(table[:, 2] / table[:, 0], torch.logit(share).cummax(dim=0).values)
