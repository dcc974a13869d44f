"""Fitting a verifier on cases."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool
from torch import Tensor

from foresight.verify.cases import Cases
from foresight.verify.examples import Examples, Measurements, Samples, collect
from foresight.verify.head import Head, fit_head
from foresight.verify.rightness import TOLERANCE
from foresight.verify.verifier import FittedOn, Verifier
from foresight.world.fingerprint import model_fingerprint
from foresight.world.world_model import WorldModel


def fit_on_cases(
    model: WorldModel,
    measurements: Measurements,
    cases: Cases,
    *,
    coverage: float,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Verifier:
    """Fit a verifier for a world model.

    Args:
        model: the world model.
        measurements: the signals and plausibilities to combine, and how they are measured.
        cases: what it is fitted on; none that it is tested on.
        coverage: of the conformal decision.
        progress: called with (done, total).

    Raises:
        ValueError: if there are too few clips to fit on, or plausibilities are to be combined and nobody knows which
            candidates come true.
    """
    if measurements.plausibilities and not cases.placed:
        raise ValueError(
            "expected no plausibilities, since nobody knows where things are in these clips and so which candidates "
            f"come true; got {', '.join(measurements.plausibilities)}. Give plausibilities=[]"
        )
    examples, samples = collect(model, measurements, cases, progress=progress)
    fitted_on = FittedOn(
        model=model_fingerprint(model),
        data=cases.data,
        clips=len(cases),
        examples=len(examples.kinds),
        candidates=measurements.candidates,
        gathering=measurements.gathering,
    )
    return fit_verifier(examples, samples, coverage=coverage, fitted_on=fitted_on)


def fit_verifier(examples: Examples, samples: Samples, *, coverage: float, fitted_on: FittedOn) -> Verifier:
    """Fit two heads for each number of observed frames, and one for candidates if their plausibilities were measured.

    Where no prediction hit what happened, or every one did, nothing can be learnt about hits: the verifier has no such
    heads.

    Args:
        examples: against outcomes.
        samples: the model's candidates.
        coverage: see `Verifier`.
        fitted_on: kept with the verifier.

    Raises:
        ValueError: if a label is missing, there are too few clips, or a figure is not finite.
    """

    def heads(labels: Bool[Tensor, " example"]) -> dict[int, Head]:
        return {frames: fit_head(values, labels, examples.owner) for frames, values in examples.values.items()}

    both = bool(examples.hit.any()) and not bool(examples.hit.all())
    return Verifier(
        heads=heads(examples.right),
        hits=heads(examples.hit) if both else {},
        prospect=_fit_prospect(samples) if samples.values else None,
        coverage=coverage,
        fitted_on=fitted_on,
    )


def _fit_prospect(samples: Samples) -> Head:
    right = int(samples.right.sum())
    if right in (0, samples.right.numel()):
        raise ValueError(
            f"expected some candidates within {TOLERANCE} px of what happened and some not, to learn which come true; "
            f"got {right} of {samples.right.numel()}. Give plausibilities=[] to fit a verifier that does not rank"
        )
    owners = torch.tensor(samples.clips).repeat_interleave(samples.misplaced.shape[1])
    figures = {name: value.flatten() for name, value in samples.values.items()}
    return fit_head(figures, samples.right.flatten(), owners)
