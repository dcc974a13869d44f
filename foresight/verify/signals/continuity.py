"""Continuity of the observed future with the end of the context."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence.records import Evidence
from foresight.verify.signals.base import AbstractSignal

# Squared changes below 60 dB of the picture's scale are rounding.
STILL = 1e-6


class Continuity(AbstractSignal):
    """Log of the squared change at the seam between context and observed future, over that between its later frames."""

    name = "continuity"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """About 0 where the first frame follows as the others do, large where it is a jump; 0 where nothing moves."""
        whole = torch.cat([evidence.context[:, :, -1:], evidence.observed], dim=2)
        change = whole.diff(dim=2).square().mean(dim=(1, 3, 4)) + STILL
        return torch.log(change[:, 0] / change[:, 1:].mean(dim=1))
