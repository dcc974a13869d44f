"""Judging a single prediction: by what was observed, and by its candidates alone."""

from __future__ import annotations

from torch import Tensor

from foresight.verify import Verdict, Verifier
from foresight.world.prediction import Prediction
from foresight.world.world_model import WorldModel

RANKED = 3
"""Fewest candidates that can judge each other."""


def reason_unjudged(verifier: Verifier | None, candidates: int, observed: Tensor | None) -> str:
    """Reason why a verifier cannot judge what was observed; empty if it can, or if there is none or nothing."""
    if verifier is None or observed is None:
        return ""
    if candidates != verifier.fitted_on.candidates:
        wanted = verifier.fitted_on.candidates
        return f"no verdict: the verifier was fitted for candidates={wanted}, not {candidates}"
    if observed.shape[1] < verifier.least_frames:
        return f"no verdict: {observed.shape[1]} later frames, and the verifier needs {verifier.least_frames} to judge"
    return ""


def plausibilities(model: WorldModel, verifier: Verifier | None, prediction: Prediction) -> list[float]:
    """Plausibility of each candidate; empty where nothing can rank them."""
    if verifier is None or not verifier.plausibilities or len(prediction) < RANKED:
        return []
    return verifier.rank(model, prediction).tolist()


def judge(
    model: WorldModel, verifier: Verifier | None, prediction: Prediction, observed: Tensor | None
) -> Verdict | None:
    """Verdict on a prediction by what was observed; None without verifier or observation."""
    if verifier is None or observed is None:
        return None
    return verifier.verify(model, [prediction], observed[None].to(model.device))[0]
