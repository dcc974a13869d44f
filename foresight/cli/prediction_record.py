"""What metrics.json says of a prediction: its candidates, its verdict, and what the adapter had a say in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from foresight.verify import PLAUSIBILITIES, SIGNALS, Verdict, Verifier
from foresight.world.domain import DomainCheck
from foresight.world.prediction import Prediction
from foresight.world.world_model import WorldModel


def adapter_in_force(model: WorldModel, prediction: Prediction) -> str:
    """What of the adapter had a say, in words."""
    if model.adapter is None:
        return "none: the video model alone"
    unused = sorted(model.adapter.provides - set(prediction.conditions))
    heard = f"{' and '.join(prediction.conditions) or 'nothing'} at noise level {prediction.noise_level:.2f}"
    return heard + (f"; its {' and '.join(unused)} has no say at that level" if unused else "")


def candidate_records(model: WorldModel, prediction: Prediction, plausibility: list[float]) -> list[dict[str, Any]]:
    """Seed and plausibility of each candidate; chosen is the one that is shown, none if their consensus is."""
    values: Sequence[float | None] = plausibility or [None] * len(prediction)
    chosen = prediction.medoid if model.plan.estimate == "medoid" or len(prediction) == 1 else None
    return [
        {"seed": prediction.seed + row, "plausibility": value, "chosen": row == chosen}
        for row, value in enumerate(values)
    ]


def verdict_record(verdict: Verdict, verifier: Verifier) -> dict[str, Any]:
    """Probabilities, decision, and how far each signal spoke for or against."""
    contributions = verifier.contributions(verdict)
    measured: Mapping[str, object] = SIGNALS if verdict.frames else PLAUSIBILITIES
    largest = max((abs(pull) for pull in contributions.values()), default=1.0) or 1.0
    return {
        "frames": verdict.frames,
        # Where nothing was observed, only the prediction itself can be likely.
        "probability": verdict.probability if verdict.frames else None,
        "hit": verdict.prediction_correct,
        "decision": verdict.decision,
        "signals": [
            {
                "name": name,
                "value": verdict.signals[name],
                "support": pull / largest,
                "meaning": (type(measured[name]).__doc__ or name).strip().splitlines()[0],
            }
            for name, pull in contributions.items()
        ],
    }


def abstention(domain: DomainCheck) -> dict[str, Any]:
    """The verdict on a picture that is not the model's world: no probability, and the reason."""
    return {
        "frames": 0,
        "probability": None,
        "hit": None,
        "decision": "abstain",
        "reason": domain.sentence,
        "signals": [],
    }
