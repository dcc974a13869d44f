"""Conditioning gain: the share of a flow's loss that conditioning takes away, and a line of text about it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from foresight.metrics.statistics import Estimate, bootstrap

ZERO = 0.0005
"""A gain that is shown as 0.0 %."""
SMALL = 0.01
"""Gains up to this count as nothing where the whole interval is as small."""
FEWEST = 8
"""Clips below which an interval over clips means nothing."""


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


def describe_gain(gain: Estimate) -> str:
    """One line: whether a gain over another clip's features shows that the conditioning does anything.

    It works, or hurts, where the whole interval lies on one side of zero by more than is shown as zero. It does nothing
    where the whole interval is small, or the losses are the same to the bit. Anything else cannot be told yet, and
    neither can what so few clips say: more are needed, as many as make the interval narrow enough at the same spread.
    """
    measured = f"{gain.value:.1%} [{gain.low:.1%}, {gain.high:.1%}]"
    if gain.clips >= FEWEST and gain.low > ZERO:
        return f"Conditioning works: the true features lower the flow loss by {measured} against another clip's."
    if gain.clips >= FEWEST and gain.high < -ZERO:
        return f"CONDITIONING HURTS: the true features change the flow loss by {measured} for the worse."
    same = gain.low == gain.high == 0
    if same or (gain.clips >= FEWEST and max(abs(gain.low), abs(gain.high)) <= SMALL):
        return (
            f"CONDITIONING DOES NOTHING: true features or another clip's, the flow loss is the same (gain {measured})."
        )
    return (
        f"Cannot tell yet whether conditioning works (gain {measured} of {gain.clips} clips): "
        f"more clips (about {clips_to_tell(gain)})."
    )


def clips_to_tell(gain: Estimate) -> int:
    """Number of clips that is likely to settle it: an interval's width falls with its root.

    It has to be narrow enough to leave zero out, or to lie within what counts as nothing, whichever is nearer.
    """
    half = (gain.high - gain.low) / 2
    aim = max(abs(gain.value) - ZERO, SMALL - abs(gain.value), ZERO)
    needed = gain.clips * (half / aim) ** 2
    wanted = max(FEWEST, gain.clips + 1, math.ceil(needed))
    unit = int(10 ** max(0, len(str(wanted)) - 2))
    return -(-wanted // unit) * unit
