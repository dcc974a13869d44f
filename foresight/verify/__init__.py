"""Verification: a probability and a decision on a prediction, from all, part or nothing of the observed future."""

from foresight.verify.cases import Cases, SimulatedCases, VideoCases
from foresight.verify.evidence.builder import EvidenceBuilder
from foresight.verify.evidence.need import Need
from foresight.verify.evidence.records import Evidence, EvidenceConfig, FlowLosses, PriorEvidence
from foresight.verify.examples import Examples, Measurements, Samples, collect
from foresight.verify.fitted_on import FittedOn
from foresight.verify.fitting import fit_on_cases, fit_verifier
from foresight.verify.plausibility import PLAUSIBILITIES, AbstractPlausibility
from foresight.verify.signals import SIGNALS, AbstractSignal
from foresight.verify.storage import FittedVerifier
from foresight.verify.verdict import Verdict
from foresight.verify.verifier import Verifier
from foresight.world.fingerprint import model_fingerprint

__all__ = [
    "PLAUSIBILITIES",
    "SIGNALS",
    "AbstractPlausibility",
    "AbstractSignal",
    "Cases",
    "Evidence",
    "EvidenceBuilder",
    "EvidenceConfig",
    "Examples",
    "FittedOn",
    "FittedVerifier",
    "FlowLosses",
    "Measurements",
    "Need",
    "PriorEvidence",
    "Samples",
    "SimulatedCases",
    "Verdict",
    "Verifier",
    "VideoCases",
    "collect",
    "fit_on_cases",
    "fit_verifier",
    "model_fingerprint",
]
