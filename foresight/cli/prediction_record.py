"""Reports of a prediction's candidates and verdict, and the adapter's part in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from foresight.report.prediction import CandidateReport, SignalReport, VerdictReport
from foresight.verify import PLAUSIBILITIES, SIGNALS, Verdict, Verifier
from foresight.world.domain import DomainCheck
from foresight.world.prediction import Prediction
from foresight.world.world_model import WorldModel

WITHIN = {"in": "inside its world", "near": "near the edge of its world", "out": "outside its world"}
"""State of a domain check, for people."""


def described(config: Mapping[str, Any]) -> dict[str, str]:
    """Where model and verifier of a configuration come from."""
    found = {}
    for part in ("model", "verifier"):
        node = config.get(part)
        if isinstance(node, Mapping):
            found[part] = str(node.get("where") or node.get("_target_"))
        else:
            found[part] = "none"
    return found


def adapter_in_force(model: WorldModel, prediction: Prediction) -> str:
    """Conditions of the adapter that had an effect, in words."""
    if model.adapter is None:
        return "none: the video model alone"
    unused = sorted(model.adapter.provides - set(prediction.conditions))
    heard = f"{' and '.join(prediction.conditions) or 'nothing'} at noise level {prediction.noise_level:.2f}"
    return heard + (f"; its {' and '.join(unused)} has no say at that level" if unused else "")


def candidate_reports(model: WorldModel, prediction: Prediction, plausibility: list[float]) -> list[CandidateReport]:
    """Seed and plausibility of each candidate; chosen is the one that is shown, none if their consensus is."""
    values: Sequence[float | None] = plausibility or [None] * len(prediction)
    chosen = prediction.medoid if model.sampling_config.estimate == "medoid" or len(prediction) == 1 else None
    return [
        CandidateReport(seed=prediction.seed + row, plausibility=value, chosen=row == chosen)
        for row, value in enumerate(values)
    ]


def verdict_report(verdict: Verdict, verifier: Verifier) -> VerdictReport:
    """Verdict with the contribution of each signal, relative to the largest."""
    contributions = verifier.contributions(verdict)
    measured: Mapping[str, object] = SIGNALS if verdict.frames else PLAUSIBILITIES
    largest = max((abs(pull) for pull in contributions.values()), default=1.0) or 1.0
    return VerdictReport(
        frames=verdict.frames,
        # Where nothing was observed, only the prediction itself can be likely.
        probability=verdict.probability if verdict.frames else None,
        prediction_correct=verdict.prediction_correct,
        decision=verdict.decision,
        signals=[
            SignalReport(
                name=name,
                value=verdict.signals[name],
                support=pull / largest,
                meaning=(type(measured[name]).__doc__ or name).strip().splitlines()[0],
            )
            for name, pull in contributions.items()
        ],
    )


def abstention(domain: DomainCheck) -> VerdictReport:
    """The verdict on a picture that is not the model's world: no probability, and the reason."""
    return VerdictReport(
        frames=0, probability=None, prediction_correct=None, decision="abstain", reason=domain.sentence
    )
