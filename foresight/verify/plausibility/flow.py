"""Likelihood of a candidate under the model's own flow, with and against its conditioning and its other candidates."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence.need import Need, needed
from foresight.verify.evidence.records import PriorEvidence
from foresight.verify.plausibility.base import AbstractPlausibility


class ConditionalGain(AbstractPlausibility):
    """Log of the velocity error without instruction and adapter over that under the instruction, mean over levels."""

    name = "told"
    needs = frozenset({Need.PRIOR_FLOW})

    def __call__(self, prior: PriorEvidence) -> Float[Tensor, "batch candidate"]:
        """Above 0 where the instruction explains the candidate."""
        conditional, unconditional = (needed(one, Need.PRIOR_FLOW) for one in (prior.conditional, prior.unconditional))
        return torch.log(unconditional / conditional).mean(dim=2)


class Typicality(AbstractPlausibility):
    """Log of the velocity error of a candidate over the mean of its cloud, under the instruction, mean over levels."""

    name = "unsurprising"
    needs = frozenset({Need.PRIOR_FLOW})

    def __call__(self, prior: PriorEvidence) -> Float[Tensor, "batch candidate"]:
        """Below 0 where the model's own flow explains it better than its other candidates."""
        errors = needed(prior.conditional, Need.PRIOR_FLOW)
        return torch.log(errors / errors.mean(dim=1, keepdim=True)).mean(dim=2)
