"""Whether the VLM says that what was told happened."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence import Evidence
from foresight.verify.signals.base import AbstractSignal


class ActionRead(AbstractSignal):
    """Log-odds of yes when the VLM, shown context and outcome, is asked whether the instruction was carried out."""

    name = "action_read"
    needs = frozenset({"action"})

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """Above 0 where the VLM says yes."""
        if evidence.action_odds is None:
            raise ValueError("expected evidence gathered with needs={'action'}, got none")
        return evidence.action_odds
