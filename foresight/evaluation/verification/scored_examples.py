"""Scored examples of clips, and the figures of verification made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from foresight.metrics import resampling
from foresight.metrics.statistics import Estimate

Statistic = Callable[
    [Float[Tensor, " example"], Bool[Tensor, " example"], Float[Tensor, "draw example"]], Float[Tensor, " draw"]
]


@dataclass(frozen=True)
class ScoredExamples:
    """Examples with a score and a label; both labels count alike in every figure, clips are resampled whole.

    Args:
        score: the higher, the more probably right; log-odds where probabilities are asked for.
        right: labels.
        clips: which clip each belongs to.
    """

    score: Float[Tensor, " example"]
    right: Bool[Tensor, " example"]
    clips: Int[Tensor, " example"]

    @cached_property
    def weights(self) -> Float[Tensor, "draw example"]:
        """Of the sample and its resamples."""
        return resampling.clip_weights(self.clips.tolist(), self.right)

    @property
    def both(self) -> bool:
        """True if there are right and wrong examples."""
        return bool(self.right.any()) and not bool(self.right.all())

    def where(self, chosen: Bool[Tensor, " example"]) -> ScoredExamples:
        """The chosen examples."""
        return ScoredExamples(self.score[chosen], self.right[chosen], self.clips[chosen])

    def with_score(self, score: Float[Tensor, " example"]) -> ScoredExamples:
        """The same examples with another score, on the same resamples."""
        other = ScoredExamples(score.double(), self.right, self.clips)
        other.__dict__["weights"] = self.weights
        return other

    def figure(self, statistic: Statistic) -> Estimate:
        """A statistic of the score with its interval."""
        return self._estimate(statistic(self.score, self.right, self.weights))

    @property
    def auroc(self) -> Estimate:
        """Probability that a right example scores above a wrong one."""
        return self.figure(resampling.auroc)

    def lead(self, other: ScoredExamples) -> Estimate:
        """AUROC minus that of another score of the same examples, on the same resamples."""
        gaps = [resampling.auroc(one.score, self.right, self.weights) for one in (self, other)]
        return self._estimate(gaps[0] - gaps[1])

    def calibration(self) -> dict[str, Estimate]:
        """Order and calibration of the probabilities."""
        probable = self.with_score(torch.sigmoid(self.score))
        return {
            "AUROC": self.auroc,
            "AUPRC": self.figure(resampling.average_precision),
            "expected calibration error": probable.figure(resampling.calibration_error),
            "Brier score": probable.figure(resampling.brier),
        }

    def kept(self, threshold: float, label: bool) -> Estimate:
        """Share of one label's examples on its side of a threshold, the threshold included."""
        inside = self.score >= threshold if label else self.score <= threshold
        chosen = self.weights * (self.right == label)
        return self._estimate((chosen * inside).sum(dim=1) / chosen.sum(dim=1))

    def accuracy_at(self, share: float) -> Estimate:
        """Accuracy at a coverage (selective prediction): of that share of decisions, farthest from even odds."""
        sure = self.score.abs()
        decided = sure >= sure.sort(descending=True).values[max(1, round(share * len(sure))) - 1]
        correct = (self.score > 0) == self.right
        chosen = self.weights * decided
        return self._estimate((chosen * correct).sum(dim=1) / chosen.sum(dim=1))

    def _estimate(self, values: Float[Tensor, " draw"]) -> Estimate:
        return resampling.estimate(values, self.clips.tolist())
