"""Verification: a prediction against all, part or nothing of what happens, as a probability and a decision."""

from foresight.verify.cases import Cases, SimulatedCases, VideoCases
from foresight.verify.evidence import Evidence, FlowLosses, Gathering, Prospect
from foresight.verify.examples import Examples, Measurements, Samples, collect
from foresight.verify.fitting import fit_on_cases, fit_verifier
from foresight.verify.gathering import Gatherer, gather
from foresight.verify.plausibility import PLAUSIBILITIES, AbstractPlausibility
from foresight.verify.signals import SIGNALS, AbstractSignal
from foresight.verify.verifier import FittedOn, Verdict, Verifier
from foresight.world.fingerprint import model_fingerprint

__all__ = [
    "PLAUSIBILITIES",
    "SIGNALS",
    "AbstractPlausibility",
    "AbstractSignal",
    "Cases",
    "Evidence",
    "Examples",
    "FittedOn",
    "FlowLosses",
    "Gatherer",
    "Gathering",
    "Measurements",
    "Prospect",
    "Samples",
    "SimulatedCases",
    "Verdict",
    "Verifier",
    "VideoCases",
    "collect",
    "fit_on_cases",
    "fit_verifier",
    "gather",
    "model_fingerprint",
]
