"""The VLM's answer to whether the instruction was carried out."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence.need import Need, needed
from foresight.verify.evidence.records import Evidence
from foresight.verify.signals.base import AbstractSignal


class ActionRead(AbstractSignal):
    """Log-odds of yes when the VLM, shown context and outcome, is asked whether the instruction was carried out."""

    name = "action_read"
    needs = frozenset({Need.ACTION})

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """Above 0 where the VLM says yes."""
        return needed(evidence.action_odds, Need.ACTION)
