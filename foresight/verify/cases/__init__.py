"""Cases: clips with what happened and with what did not, for verifiers to be fitted and judged on."""

from foresight.verify.cases.base import TRUE, CaseBatch, Cases, Futures
from foresight.verify.cases.simulated import SimulatedCases
from foresight.verify.cases.videos import VideoCases

__all__ = ["TRUE", "CaseBatch", "Cases", "Futures", "SimulatedCases", "VideoCases"]
