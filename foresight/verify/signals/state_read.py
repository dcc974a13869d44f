"""Whether the VLM describes the end of the prediction as it describes the end of what happened."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence import Evidence
from foresight.verify.signals.base import AbstractSignal


class StateRead(AbstractSignal):
    """Share of words that the VLM's descriptions of the shown candidate and of what happened have in common."""

    name = "state_read"
    needs = frozenset({"description"})

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """1 for the same description, 0 for no word in common."""
        if evidence.described_alike is None:
            raise ValueError("expected evidence gathered with needs={'description'}, got none")
        return evidence.described_alike
