"""Signals: what can be measured of a prediction against what happened. One file each; add yours to `SIGNALS`."""

from foresight.verify.signals.base import AbstractSignal
from foresight.verify.signals.cloud import Disagreement, EnergyScore, Rank
from foresight.verify.signals.flow_contrast import FlowFrozen, FlowInstruction, FlowLoss, FlowTypicality
from foresight.verify.signals.latent import LatentRatio, LatentSpread
from foresight.verify.signals.motion import MotionAgreement, MotionAmount
from foresight.verify.signals.pixel import PixelDistance, PixelRatio
from foresight.verify.signals.semantic import SemanticDistance
from foresight.verify.signals.structure import StructureDistance, StructureRatio

SIGNALS: dict[str, AbstractSignal] = {
    signal.name: signal
    for signal in (
        PixelDistance(),
        PixelRatio(),
        StructureDistance(),
        StructureRatio(),
        LatentSpread(),
        LatentRatio(),
        MotionAgreement(),
        MotionAmount(),
        FlowLoss(),
        FlowInstruction(),
        FlowFrozen(),
        FlowTypicality(),
        EnergyScore(),
        Rank(),
        Disagreement(),
        SemanticDistance(),
    )
}


def signal(name: str) -> AbstractSignal:
    """A signal by name.

    Raises:
        ValueError: if there is none.
    """
    if name not in SIGNALS:
        raise ValueError(f"expected a signal out of {', '.join(SIGNALS)}; got {name!r}")
    return SIGNALS[name]


__all__ = ["SIGNALS", "AbstractSignal", "signal"]
