"""Permanence of what was in the context: nothing vanished, appeared or changed colour."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from foresight.metrics.colours import colour_change
from foresight.verify.evidence.records import Evidence
from foresight.verify.signals.base import AbstractSignal


class Permanence(AbstractSignal):
    """Distance of the observed future's colours from those of the last context frame, wherever they are."""

    name = "permanence"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 where pixels only changed places; knows nothing of any prediction."""
        return colour_change(evidence.context, evidence.observed)
