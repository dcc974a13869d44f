"""Whether a candidate does what was told."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence import Prospect
from foresight.verify.plausibility.base import AbstractPlausibility


class Told(AbstractPlausibility):
    """Log of the velocity error without instruction and adapter over that under the instruction, mean over levels."""

    name = "told"
    needs = frozenset({"prospect_flow"})

    def __call__(self, prospect: Prospect) -> Float[Tensor, "batch candidate"]:
        """Above 0 where the instruction explains the candidate."""
        if prospect.told is None or prospect.untold is None:
            raise ValueError("expected a prospect gathered with needs={'prospect_flow'}, got none of the flow")
        return torch.log(prospect.untold / prospect.told).mean(dim=2)


class Unsurprising(AbstractPlausibility):
    """Log of the velocity error of a candidate over the mean of its cloud, under the instruction, mean over levels."""

    name = "unsurprising"
    needs = frozenset({"prospect_flow"})

    def __call__(self, prospect: Prospect) -> Float[Tensor, "batch candidate"]:
        """Below 0 where the model's own flow explains it better than its other candidates."""
        if prospect.told is None:
            raise ValueError("expected a prospect gathered with needs={'prospect_flow'}, got none of the flow")
        return torch.log(prospect.told / prospect.told.mean(dim=1, keepdim=True)).mean(dim=2)
