"""Cases: clips with their true future and wrong ones, for verifiers to be fitted and measured on."""

from foresight.verify.cases.base import TRUE, Cases, OutcomeBatch, OutcomeSet
from foresight.verify.cases.simulated import SimulatedCases
from foresight.verify.cases.videos import VideoCases

__all__ = ["TRUE", "Cases", "OutcomeBatch", "OutcomeSet", "SimulatedCases", "VideoCases"]
