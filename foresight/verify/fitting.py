"""Fitting of verifiers on cases."""

from __future__ import annotations

import torch
from jaxtyping import Bool
from torch import Tensor

from foresight.errors import UserError
from foresight.progress import Progress, silent
from foresight.verify.cases import Cases
from foresight.verify.classifier import FOLDS, CalibratedClassifier, fit_classifier
from foresight.verify.correctness import TOLERANCE
from foresight.verify.examples import Examples, Measurements, Samples, collect
from foresight.verify.fitted_on import FittedOn
from foresight.verify.storage import FittedVerifier
from foresight.verify.verifier import Verifier
from foresight.world.fingerprint import model_fingerprint
from foresight.world.world_model import WorldModel


def fit_on_cases(
    model: WorldModel,
    measurements: Measurements,
    cases: Cases,
    *,
    coverage: float,
    progress: Progress = silent,
) -> Verifier:
    """Fit a verifier for a world model.

    Args:
        model: the world model.
        measurements: the signals and plausibilities to combine, and how they are measured.
        cases: what it is fitted on; none that it is tested on.
        coverage: of the conformal decision.
        progress: called with (done, total).

    Raises:
        UserError: if there are too few clips to fit on.
        ValueError: if plausibilities are to be combined and nobody knows which candidates come true.
    """
    if measurements.plausibilities and not cases.placed:
        raise ValueError(
            "expected no plausibilities, since true states of these clips are unknown, and so which candidates "
            f"come true; got {', '.join(measurements.plausibilities)}. Give plausibilities=[]"
        )
    if cases.independent < FOLDS:
        raise UserError(
            expected=f"clips from at least {FOLDS} files to fit a verifier on",
            got=f"{len(cases)} from {cases.independent}",
            remedy="add videos, of which a fifth serves the verifier where a folder is divided, or put them into "
            "the subfolder calibration",
        )
    examples, samples = collect(model, measurements, cases, progress=progress)
    fitted_on = FittedOn(
        model=model_fingerprint(model),
        data=cases.data,
        clips=len(cases),
        examples=len(examples.kinds),
        candidates=measurements.candidates,
        evidence=measurements.evidence,
    )
    return fit_verifier(examples, samples, coverage=coverage, fitted_on=fitted_on)


def fit_verifier(examples: Examples, samples: Samples, *, coverage: float, fitted_on: FittedOn) -> Verifier:
    """Fit two classifiers for each number of observed frames, and one of candidates if plausibilities were measured.

    Where no prediction came true, or every one did, the classifiers of correct predictions are left out.

    Args:
        examples: against outcomes.
        samples: the model's candidates.
        coverage: see `FittedVerifier`.
        fitted_on: kept with the verifier.

    Raises:
        ValueError: if a label is missing, there are too few clips, or a figure is not finite.
    """

    def fitted(labels: Bool[Tensor, " example"]) -> dict[int, CalibratedClassifier]:
        return {frames: fit_classifier(values, labels, examples.owner) for frames, values in examples.values.items()}

    correct = examples.prediction_correct
    both = bool(correct.any()) and not bool(correct.all())
    return Verifier(
        FittedVerifier(
            outcome=fitted(examples.right),
            prediction_correct=fitted(correct) if both else {},
            prior=_fit_prior(samples) if samples.values else None,
            coverage=coverage,
            fitted_on=fitted_on,
        )
    )


def _fit_prior(samples: Samples) -> CalibratedClassifier:
    right = int(samples.right.sum())
    if right in (0, samples.right.numel()):
        raise ValueError(
            f"expected some candidates within {TOLERANCE} px of what happened and some not, to learn which come true; "
            f"got {right} of {samples.right.numel()}. Give plausibilities=[] to fit a verifier that does not rank"
        )
    owners = torch.tensor(samples.clips).repeat_interleave(samples.position_error.shape[1])
    figures = {name: value.flatten() for name, value in samples.values.items()}
    return fit_classifier(figures, samples.right.flatten(), owners)
