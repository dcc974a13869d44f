"""A calibrated classifier: measured figures → additive model → calibration → conformal decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from foresight.verify.additive import Additive, fit_additive
from foresight.verify.calibration import Logistic, conformal_lower, fit_platt
from foresight.verify.isotonic import Isotonic, fit_isotonic

Decision = Literal["accept", "abstain", "reject"]
Fit = Callable[[Tensor, Tensor, Tensor], Logistic | Isotonic]
FOLDS = 8


@dataclass(frozen=True)
class CalibratedClassifier:
    """A calibrated additive classifier of one kind of evidence, with conformal scores.

    Args:
        names: of the figures, in order.
        combination: additive model of the figures, in order of their names.
        calibration: from the combination's logit to a calibrated one.
        positive_scores: calibrated logits of right examples, each by a combination fitted without its clip, ascending.
        negative_scores: the same of wrong examples.
    """

    names: tuple[str, ...]
    combination: Additive
    calibration: Logistic | Isotonic
    positive_scores: Float[Tensor, " positive"]
    negative_scores: Float[Tensor, " negative"]

    def logits(self, values: Mapping[str, Float[Tensor, " batch"]]) -> Float[Tensor, " batch"]:
        """Calibrated log-odds of being right.

        Raises:
            ValueError: if a figure is missing, was not fitted, or is not finite.
        """
        missing, unfitted = sorted(set(self.names) - set(values)), sorted(set(values) - set(self.names))
        if missing or unfitted:
            raise ValueError(
                f"expected exactly the signals this verifier was fitted on ({', '.join(self.names)}); "
                f"missing {missing}, not fitted {unfitted}. Fit a verifier on the signals you want"
            )
        raw = self.combination.logit(_matrix(self.names, values))
        return self.calibration.logit(raw[:, None])

    def contributions(self, values: Mapping[str, float]) -> dict[str, float]:
        """Contribution of each figure to the combination's logit, compared with what it usually adds."""
        row = {name: torch.tensor([values[name]]) for name in self.names}
        return dict(zip(self.names, self.combination.contributions(_matrix(self.names, row))[0].tolist(), strict=True))

    def thresholds(self, coverage: float) -> tuple[float, float]:
        """Logit from which an example is like right ones, and up to which it is like wrong ones, at a coverage.

        Raises:
            ValueError: if the coverage is not in (0, 1).
        """
        return conformal_lower(self.positive_scores, coverage), -conformal_lower(-self.negative_scores, coverage)

    def decide(self, logit: float, coverage: float) -> Decision:
        """The conformal decision: which of "right" and "wrong" cannot be excluded at the coverage."""
        accept_above, reject_below = self.thresholds(coverage)
        right, wrong = logit >= accept_above, logit <= reject_below
        if right == wrong:
            return "abstain"
        return "accept" if right else "reject"


def fit_classifier(
    values: Mapping[str, Float[Tensor, " example"]],
    right: Bool[Tensor, " example"],
    clips: Int[Tensor, " example"],
) -> CalibratedClassifier:
    """Fit weights, calibration and thresholds, every clip serving all three by cross-fitting.

    Each example gets the logit of a combination that was fitted without its clip; on these logits Platt's or isotonic
    calibration is chosen by cross-validated log loss, and they are the scores of the conformal decision (Vovk 2015,
    cross-conformal predictors). Both labels weigh alike, however many examples there are of each.

    Args:
        values: measured figures by name.
        right: labels.
        clips: which clip each example belongs to.

    Raises:
        ValueError: if a figure is not finite, there are fewer clips than folds, or a fold leaves one label only.
    """
    names, right = tuple(values), right.cpu()
    matrix, counts = _matrix(names, values), _balance(right)
    raw, fold = cross_fit(values, right, clips), _folds(clips)
    calibration = _calibrate(raw, right, counts, fold)
    logits = calibration.logit(raw[:, None])
    return CalibratedClassifier(
        names=names,
        combination=fit_additive(matrix, right, counts),
        calibration=calibration,
        # There are many of them, and no decision needs more digits.
        positive_scores=logits[right].float().sort().values,
        negative_scores=logits[~right].float().sort().values,
    )


def cross_fit(
    values: Mapping[str, Float[Tensor, " example"]],
    right: Bool[Tensor, " example"],
    clips: Int[Tensor, " example"],
) -> Float[Tensor, " example"]:
    """Cross-fitted logits: each example's by a combination that was fitted without its clip.

    Raises:
        ValueError: as `fit_classifier`.
    """
    matrix, right, fold = _matrix(tuple(values), values), right.cpu(), _folds(clips)
    counts, raw = _balance(right), torch.empty(len(right), dtype=torch.float64)
    for held in range(FOLDS):
        own, rest = fold == held, fold != held
        raw[own] = fit_additive(matrix[rest], right[rest], counts[rest]).logit(matrix[own])
    return raw


def _folds(clips: Int[Tensor, " example"]) -> Int[Tensor, " example"]:
    _, owner = clips.cpu().unique(return_inverse=True)
    count = int(owner.max()) + 1
    if count < FOLDS:
        raise ValueError(f"expected at least {FOLDS} clips to fit on, got {count}")
    # In a random order: kinds of wrong outcomes take turns from clip to clip, and folds must not go with them.
    return torch.randperm(count, generator=torch.Generator().manual_seed(0))[owner] % FOLDS


def _balance(right: Bool[Tensor, " example"]) -> Float[Tensor, " example"]:
    """Counts that add up to the number of examples, to half of it for each label."""
    if bool(right.all()) or not bool(right.any()):
        raise ValueError(f"expected both labels, got {int(right.sum())} of {len(right)} right")
    return torch.where(right, 0.5 / right.double().mean(), 0.5 / (~right).double().mean())


def _calibrate(
    raw: Float[Tensor, " example"],
    right: Bool[Tensor, " example"],
    counts: Float[Tensor, " example"],
    fold: Int[Tensor, " example"],
) -> Logistic | Isotonic:
    fits: tuple[Fit, Fit] = (fit_platt, fit_isotonic)
    losses = []
    for fit in fits:
        loss = 0.0
        for held in range(FOLDS):
            own, rest = fold == held, fold != held
            logits = fit(raw[rest], right[rest], counts[rest]).logit(raw[own][:, None])
            loss += float((counts[own] * torch.nn.functional.softplus(torch.where(right[own], -logits, logits))).sum())
        losses.append(loss)
    return fits[0 if losses[0] <= losses[1] else 1](raw, right, counts)


def _matrix(names: tuple[str, ...], values: Mapping[str, Float[Tensor, " example"]]) -> Float[Tensor, "example figure"]:
    matrix = torch.stack([values[name].double().cpu() for name in names], dim=1)
    if not bool(matrix.isfinite().all()):
        wrong = [name for name, column in zip(names, matrix.T, strict=True) if not bool(column.isfinite().all())]
        raise ValueError(f"expected finite signals, got NaN or infinity in {', '.join(wrong)}")
    return matrix
