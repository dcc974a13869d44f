"""AUROC inside strata of clips, by confounders of raw distances and by kind of wrong outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from foresight.evaluation.verification.scored_examples import ScoredExamples
from foresight.metrics.statistics import Estimate
from foresight.verify.cases import TRUE
from foresight.verify.examples import Examples

TRAITS = {"size": ("small", "large"), "contrast": ("pale", "bright"), "motion": ("slow", "fast")}
"""Names of the lower and upper half of the clips."""

KINDS = (
    "removed",
    "teleport",
    "swapped_object",
    "frozen",
    "reversed",
    "other_gravity",
    "other_action",
    "slight_push",
)
"""Kinds of counterfactual from blatant to subtle; the last is a push half as strong or half as strong again."""


def halves(measured: Float[Tensor, " clip"]) -> Bool[Tensor, " clip"]:
    """Mask of the clips above the median."""
    return measured > measured.median()


def strata(
    scored: ScoredExamples, clips: Sequence[int], measured: Mapping[str, Float[Tensor, " clip"]]
) -> dict[str, ScoredExamples]:
    """Stratify examples: by half of each trait, and by each combination of halves, by name.

    Those without both labels are left out: there is nothing to tell apart.

    Args:
        scored: all examples.
        clips: numbers of the clips, in the order of the traits; those of one number have their mean.
        measured: traits of each clip, confounders of raw distances; keys of `TRAITS`.
    """
    numbers, place = torch.tensor(clips).unique(return_inverse=True)
    owner = torch.searchsorted(numbers, scored.clips)
    upper = {name: halves(_means(values, place, len(numbers)))[owner] for name, values in measured.items()}
    found: dict[str, ScoredExamples] = {}
    for name, above in upper.items():
        for half, called in enumerate(TRAITS[name]):
            found[called] = scored.where(above == bool(half))
    for choice in product((0, 1), repeat=len(upper)):
        inside = torch.ones(len(scored.right), dtype=torch.bool)
        for above, half in zip(upper.values(), choice, strict=True):
            inside &= above == bool(half)
        found[", ".join(TRAITS[name][half] for name, half in zip(upper, choice, strict=True))] = scored.where(inside)
    return {name: part for name, part in found.items() if len(part.right) and part.both}


def _means(values: Float[Tensor, " clip"], place: Int[Tensor, " clip"], count: int) -> Float[Tensor, " number"]:
    total = torch.zeros(count, dtype=values.dtype).index_add(0, place, values)
    return total / torch.bincount(place, minlength=count)


def auroc_inside(parts: dict[str, ScoredExamples]) -> dict[str, Estimate]:
    """AUROC inside each stratum."""
    return {f"AUROC, {name}": part.auroc for name, part in parts.items()}


def auroc_by_kind(scored: ScoredExamples, examples: Examples) -> dict[str, Estimate]:
    """AUROC of all true outcomes against those of one kind, from blatant kinds to subtle ones."""
    found = {}
    for kind in dict.fromkeys(kind for kind in (*KINDS, *examples.kinds) if kind != TRUE):
        part = scored.where(torch.tensor([name in (TRUE, kind) for name in examples.kinds]))
        if part.both:
            found[f"AUROC, {kind.replace('_', ' ')}"] = part.auroc
    return found
