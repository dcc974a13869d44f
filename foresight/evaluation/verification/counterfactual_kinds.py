"""Wrong outcomes from blatant to subtle: where does a verifier stop seeing the difference?"""

from __future__ import annotations

import torch

from foresight.evaluation.verification.scored_examples import Judged
from foresight.metrics.statistics import Estimate
from foresight.verify.cases import TRUE
from foresight.verify.examples import Examples

GRADED = (
    "removed",
    "teleport",
    "swapped_object",
    "frozen",
    "reversed",
    "other_gravity",
    "other_action",
    "slight_push",
)
"""Kinds of counterfactual, from what anyone sees to a push half as strong or half as strong again."""


def auroc_by_kind(judged: Judged, examples: Examples) -> dict[str, Estimate]:
    """All true outcomes against those of one kind."""
    found = {}
    for kind in dict.fromkeys(kind for kind in (*GRADED, *examples.kinds) if kind != TRUE):
        part = judged.where(torch.tensor([name in (TRUE, kind) for name in examples.kinds]))
        if part.both:
            found[f"AUROC, {kind.replace('_', ' ')}"] = part.auroc
    return found
