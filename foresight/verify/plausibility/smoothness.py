"""Evenness of a candidate's change from frame to frame: bodies have inertia."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence.records import PriorEvidence
from foresight.verify.plausibility.base import AbstractPlausibility


class Smoothness(AbstractPlausibility):
    """Log of the largest over the mean squared change between successive frames, from the last context frame on."""

    name = "smoothness"

    def __call__(self, prior: PriorEvidence) -> Float[Tensor, "batch candidate"]:
        """0 where every frame changes as much; large where one jumps."""
        last = prior.context[:, None, :, -1:].expand(-1, prior.predicted.shape[1], -1, -1, -1, -1)
        change = torch.cat([last, prior.predicted], dim=3).diff(dim=3).square().mean(dim=(2, 4, 5)) + 1e-6
        return torch.log(change.amax(dim=2) / change.mean(dim=2))
