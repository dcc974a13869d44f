"""How well the model's own velocity field explains what happened, against alternatives with the same noise.

The absolute loss mostly measures how complex a clip is; contrasts cancel that (arXiv 2510.11512, LikePhys, pairs).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence import Evidence, FlowLosses
from foresight.verify.signals.base import AbstractSignal


def _losses(evidence: Evidence) -> FlowLosses:
    if evidence.flow is None:
        raise ValueError("expected evidence gathered with needs={'flow'}, got none of the flow")
    return evidence.flow


class FlowLoss(AbstractSignal):
    """Velocity error of what happened, mean over noise levels. Not to be used alone."""

    name = "flow_loss"
    needs = frozenset({"flow"})

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """Lower is better explained."""
        return _losses(evidence).observed.mean(dim=1)


class FlowInstruction(AbstractSignal):
    """Log of the error under the best other instruction over the error under the clip's own, mean over levels."""

    name = "flow_instruction"
    needs = frozenset({"flow", "flow_others"})

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """Above 0 where the own instruction explains best."""
        losses = _losses(evidence)
        if losses.others is None:
            raise ValueError("expected evidence gathered with needs={'flow', 'flow_others'}, got no other instructions")
        best = losses.others.mean(dim=2).amin(dim=1)
        return torch.log(best / losses.observed.mean(dim=1))


class FlowFrozen(AbstractSignal):
    """Log of the error of the frozen future over that of what happened, mean over levels."""

    name = "flow_frozen"
    needs = frozenset({"flow"})

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """Above 0 where what happened is more expected than standing still."""
        losses = _losses(evidence)
        return torch.log(losses.frozen / losses.observed).mean(dim=1)


class FlowTold(AbstractSignal):
    """Log of the error without instruction and adapter over that under the clip's instruction, mean over levels."""

    name = "flow_told"
    needs = frozenset({"flow", "flow_bare"})

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """Above 0 where being told the instruction helps to explain what happened."""
        losses = _losses(evidence)
        if losses.bare is None:
            raise ValueError(
                "expected evidence gathered with needs={'flow', 'flow_bare'}, got none without instruction"
            )
        return torch.log(losses.bare / losses.observed).mean(dim=1)


class FlowTypicality(AbstractSignal):
    """Log of the error of what happened over that of the model's own candidates for the clip, mean over levels."""

    name = "flow_typicality"
    needs = frozenset({"flow", "flow_candidates"})

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """About 0 where what happened looks like a candidate, above where it is less expected."""
        losses = _losses(evidence)
        if losses.candidates is None:
            raise ValueError("expected evidence gathered with needs={'flow', 'flow_candidates'}, got no candidates")
        return torch.log(losses.observed / losses.candidates.mean(dim=1)).mean(dim=1)
