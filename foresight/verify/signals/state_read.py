"""Agreement of the VLM's descriptions of the ends of prediction and observed future."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence.need import Need, needed
from foresight.verify.evidence.records import Evidence
from foresight.verify.signals.base import AbstractSignal


class StateRead(AbstractSignal):
    """Share of words that the VLM's descriptions of the shown candidate and of the observed future have in common."""

    name = "state_read"
    needs = frozenset({Need.DESCRIPTION})

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """1 for the same description, 0 for no word in common."""
        return needed(evidence.described_alike, Need.DESCRIPTION)
