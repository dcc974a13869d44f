"""Agreement of predicted and observed motion."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity

from foresight.verify.evidence.records import Evidence
from foresight.verify.signals.base import AbstractSignal


def _changes(
    context: Float[Tensor, "... rgb=3 context height width"], future: Float[Tensor, "... rgb=3 frame height width"]
) -> Float[Tensor, "... value"]:
    """Difference of each future frame to the last context frame, flattened per clip."""
    return (future - context[..., -1:, :, :]).flatten(-4)


class MotionAgreement(AbstractSignal):
    """Cosine between the changes since the last context frame, predicted and observed; mean over candidates."""

    name = "motion"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """1 where the same things change the same way, 0 for a prediction that stands still."""
        predicted = _changes(evidence.context[:, None], evidence.predicted)
        observed = _changes(evidence.context, evidence.observed)
        return cosine_similarity(predicted, observed[:, None], dim=-1).mean(dim=1)


class MotionAmount(AbstractSignal):
    """Log of the amount of change, observed over predicted."""

    name = "motion_amount"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 where as much changes as was predicted."""
        predicted = _changes(evidence.context[:, None], evidence.predicted).square().mean(dim=(1, 2))
        observed = _changes(evidence.context, evidence.observed).square().mean(dim=1)
        return torch.log((observed + 1e-4) / (predicted + 1e-4))
