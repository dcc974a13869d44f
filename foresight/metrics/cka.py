"""Debiased linear centred kernel alignment: do two spaces hold the same structure, up to rotation and scale?

Kornblith et al., arXiv 1905.00414, with the unbiased estimate of HSIC (Song et al. 2012, eq. 4), since the plain one is
near 1 for unrelated spaces of more dimensions than rows. Sums of the estimate over batches are unbiased too (Nguyen et
al., arXiv 2010.15327): that gives intervals, and needs memory for one batch only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor

Rows = Float[Tensor, "row _channel"]


def hsic(one: Rows, other: Rows) -> float:
    """Unbiased Hilbert–Schmidt independence of paired rows under linear kernels; about 0 if they are independent.

    With K = XXᵀ and L = YYᵀ without their diagonals and n rows:
    (tr KL + (1ᵀK1)(1ᵀL1) / ((n−1)(n−2)) − 2·1ᵀKL1 / (n−2)) / (n(n−3)).

    Raises:
        ValueError: if the rows are not paired, or fewer than 4.
    """
    count = len(one)
    if count != len(other) or count < 4:
        raise ValueError(f"expected at least 4 paired rows, got {count} and {len(other)}")
    here, there = _hollow_gram(one), _hollow_gram(other)
    trace = (here * there).sum()
    apart = here.sum() * there.sum() / ((count - 1) * (count - 2))
    together = 2 * (here.sum(dim=0) * there.sum(dim=0)).sum() / (count - 2)
    return float((trace + apart - together) / (count * (count - 3)))


def hsic_triple(one: Rows, other: Rows) -> tuple[float, float, float]:
    """HSIC of both, of the first with itself, and of the second with itself: what `cka` is made of."""
    return hsic(one, other), hsic(one, one), hsic(other, other)


def cka(
    both: Sequence[float] | np.ndarray, first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray
) -> float:
    """CKA from the HSIC values of batches: 1 for a rotated and scaled copy, about 0 for independent rows.

    Where a space has no structure at all there is nothing to share: 0.
    """
    own = float(np.sum(first)) * float(np.sum(second))
    return float(np.sum(both)) / own**0.5 if own > 0 else 0.0


def _hollow_gram(rows: Rows) -> Tensor:
    centred = (rows - rows.mean(dim=0)).double()
    gram = centred @ centred.T
    return gram.fill_diagonal_(0)
