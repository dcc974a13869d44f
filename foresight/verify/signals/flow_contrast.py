"""Velocity errors of the model's own flow on the observed future, against alternatives with the same noise.

The absolute loss mostly measures how complex a clip is; contrasts cancel that (arXiv 2510.11512, LikePhys, pairs).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence.need import Need, needed
from foresight.verify.evidence.records import Evidence
from foresight.verify.signals.base import AbstractSignal


class FlowLoss(AbstractSignal):
    """Velocity error of the observed future, mean over noise levels. Not to be used alone."""

    name = "flow_loss"
    needs = frozenset({Need.FLOW})

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """Lower is better explained."""
        return needed(evidence.flow, Need.FLOW).observed.mean(dim=1)


class FlowInstruction(AbstractSignal):
    """Log of the error under the best other instruction over the error under the clip's own, mean over levels."""

    name = "flow_instruction"
    needs = frozenset({Need.FLOW, Need.FLOW_OTHERS})

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """Above 0 where the own instruction explains best."""
        losses = needed(evidence.flow, Need.FLOW)
        best = needed(losses.others, Need.FLOW_OTHERS).mean(dim=2).amin(dim=1)
        return torch.log(best / losses.observed.mean(dim=1))


class FlowCopy(AbstractSignal):
    """Log of the error of the last frame repeated over that of the observed future, mean over levels."""

    name = "flow_frozen"
    needs = frozenset({Need.FLOW})

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """Above 0 where the observed future is more expected than standing still."""
        losses = needed(evidence.flow, Need.FLOW)
        return torch.log(losses.copy_last_frame / losses.observed).mean(dim=1)


class FlowConditionalGain(AbstractSignal):
    """Log of the error without instruction and adapter over that under the clip's instruction, mean over levels."""

    name = "flow_told"
    needs = frozenset({Need.FLOW, Need.FLOW_UNCONDITIONAL})

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """Above 0 where conditioning on the instruction helps to explain the observed future."""
        losses = needed(evidence.flow, Need.FLOW)
        return torch.log(needed(losses.unconditional, Need.FLOW_UNCONDITIONAL) / losses.observed).mean(dim=1)


class FlowTypicality(AbstractSignal):
    """Log of the error of the observed future over that of the model's own candidates, mean over levels."""

    name = "flow_typicality"
    needs = frozenset({Need.FLOW, Need.FLOW_CANDIDATES})

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """About 0 where the observed future looks like a candidate, above where it is less expected."""
        losses = needed(evidence.flow, Need.FLOW)
        return torch.log(losses.observed / needed(losses.candidates, Need.FLOW_CANDIDATES).mean(dim=1)).mean(dim=1)
