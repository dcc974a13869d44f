"""Semantic distance: of the VLM's states of prediction and observed future."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity

from foresight.verify.evidence.need import Need, needed
from foresight.verify.evidence.records import Evidence
from foresight.verify.signals.base import AbstractSignal


class SemanticDistance(AbstractSignal):
    """1 − cosine between the VLM's states of vision tokens, mean over tokens and candidates."""

    name = "semantic"
    needs = frozenset({Need.STATES})

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 where the VLM sees no difference."""
        predicted, observed = (
            needed(one, Need.STATES) for one in (evidence.predicted_states, evidence.observed_states)
        )
        same = cosine_similarity(predicted, observed[:, None], dim=-1)
        return 1 - same.mean(dim=(1, 2))
