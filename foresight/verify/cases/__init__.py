"""Cases: clips with their true future and wrong ones, for verifiers to be fitted and measured on."""

from foresight.verify.cases.base import TRUE, CaseBatch, Cases, Futures
from foresight.verify.cases.simulated import SimulatedCases
from foresight.verify.cases.videos import VideoCases

__all__ = ["TRUE", "CaseBatch", "Cases", "Futures", "SimulatedCases", "VideoCases"]
