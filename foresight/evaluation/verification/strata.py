"""Strata of clips by what raw distances are confounded by, such as contrast and motion: figures must hold in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from foresight.evaluation.verification.scored_examples import Judged
from foresight.metrics.statistics import Estimate

TRAITS = {"size": ("small", "large"), "contrast": ("pale", "bright"), "motion": ("slow", "fast")}
"""Names of the lower and upper half of the clips."""


def halves(measured: Float[Tensor, " clip"]) -> Bool[Tensor, " clip"]:
    """Whether each clip lies above the median."""
    return measured > measured.median()


def strata(judged: Judged, clips: Sequence[int], measured: Mapping[str, Float[Tensor, " clip"]]) -> dict[str, Judged]:
    """The examples inside every half of every trait, and inside every combination of halves, by name.

    Those without both labels are left out: there is nothing to tell apart.

    Args:
        judged: all examples.
        clips: numbers of the clips, in the order of the traits; those of one number have their mean.
        measured: traits of each clip, keys of `TRAITS`.
    """
    numbers, place = torch.tensor(clips).unique(return_inverse=True)
    owner = torch.searchsorted(numbers, judged.clips)
    upper = {name: halves(_means(values, place, len(numbers)))[owner] for name, values in measured.items()}
    found: dict[str, Judged] = {}
    for name, above in upper.items():
        for half, called in enumerate(TRAITS[name]):
            found[called] = judged.where(above == bool(half))
    for choice in product((0, 1), repeat=len(upper)):
        inside = torch.ones(len(judged.right), dtype=torch.bool)
        for above, half in zip(upper.values(), choice, strict=True):
            inside &= above == bool(half)
        found[", ".join(TRAITS[name][half] for name, half in zip(upper, choice, strict=True))] = judged.where(inside)
    return {name: part for name, part in found.items() if len(part.right) and part.both}


def _means(values: Float[Tensor, " clip"], place: Int[Tensor, " clip"], count: int) -> Float[Tensor, " number"]:
    total = torch.zeros(count, dtype=values.dtype).index_add(0, place, values)
    return total / torch.bincount(place, minlength=count)


def auroc_inside(parts: dict[str, Judged]) -> dict[str, Estimate]:
    """AUROC inside each stratum."""
    return {f"AUROC, {name}": part.auroc for name, part in parts.items()}
