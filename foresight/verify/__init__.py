"""Verification: signals of a prediction against what happened, combined into a calibrated probability."""

from foresight.verify.evidence import Evidence, FlowLosses, Gathering, gather
from foresight.verify.fitting import Examples, collect, fit_on_physics
from foresight.verify.signals import SIGNALS, AbstractSignal
from foresight.verify.verifier import FittedOn, Verdict, Verifier, fit_verifier, model_fingerprint

__all__ = [
    "SIGNALS",
    "AbstractSignal",
    "Evidence",
    "Examples",
    "FittedOn",
    "FlowLosses",
    "Gathering",
    "Verdict",
    "Verifier",
    "collect",
    "fit_on_physics",
    "fit_verifier",
    "gather",
    "model_fingerprint",
]
