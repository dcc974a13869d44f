"""Whether the VLM sees the same in the prediction as in what happened."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity

from foresight.verify.evidence import Evidence
from foresight.verify.signals.base import AbstractSignal


class SemanticDistance(AbstractSignal):
    """1 − cosine between the VLM's states of vision tokens, mean over tokens and candidates."""

    name = "semantic"
    needs = frozenset({"states"})

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 where the VLM sees no difference."""
        if evidence.predicted_states is None or evidence.observed_states is None:
            raise ValueError("expected evidence gathered with needs={'states'}, got no VLM states")
        same = cosine_similarity(evidence.predicted_states, evidence.observed_states[:, None], dim=-1)
        return 1 - same.mean(dim=(1, 2))
