"""Conditioning gain: how much better a conditioned flow explains what happened, and the line that says so."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from foresight.evaluation.statistics import Estimate, bootstrap


def conditioning_gain(losses: ArrayLike, reference: ArrayLike) -> Estimate:
    """1 − loss / reference loss at each noise level, mean over the levels, with its paired bootstrap interval.

    Args:
        losses: (clip, level), with the true conditioning.
        reference: (clip, level), with another or none, under the same noise.

    Raises:
        ValueError: if shapes differ or a value is not finite.
    """
    own, other = np.asarray(losses, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if own.ndim != 2 or own.shape != other.shape:
        raise ValueError(f"expected losses and reference of one shape (clip, level), got {own.shape} and {other.shape}")
    return bootstrap(lambda a, b: float((1 - a.mean(axis=0) / b.mean(axis=0)).mean()), own, other)


def verdict(gain: Estimate) -> str:
    """One line: whether a gain over another clip's features shows that the conditioning does anything."""
    measured = f"{gain.value:.1%} [{gain.low:.1%}, {gain.high:.1%}]"
    if gain.low > 0:
        return f"Conditioning works: the true features lower the flow loss by {measured} against another clip's."
    if gain.high < 0:
        return f"CONDITIONING HURTS: the true features change the flow loss by {measured} for the worse."
    return f"CONDITIONING DOES NOTHING: true features or another clip's, the flow loss is the same (gain {measured})."
