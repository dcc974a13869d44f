"""Conditioning gain by hand, and the line that follows from it."""

from __future__ import annotations

import numpy as np
import pytest

from foresight.evaluation.gain import conditioning_gain, verdict


def test_the_gain_by_hand() -> None:
    """Half the loss at one level and a quarter less at the other: (0.5 + 0.25) / 2, for every resampling of equals."""
    losses = np.tile([[1.0, 3.0]], (6, 1))
    gain = conditioning_gain(losses, np.tile([[2.0, 4.0]], (6, 1)))
    assert (gain.value, gain.low, gain.high, gain.clips) == (0.375, 0.375, 0.375, 6)


def test_clips_are_resampled_in_pairs() -> None:
    """Clips that differ a hundredfold, but all gain a tenth, leave no doubt."""
    reference = np.geomspace(0.01, 1, 8)[:, None]
    gain = conditioning_gain(0.9 * reference, reference)
    assert gain.low == pytest.approx(0.1) and gain.high == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("factors", "said"),
    [
        ([0.8, 0.9, 0.85, 0.8], "Conditioning works"),
        ([0.9, 1.1, 1.1, 0.9], "CONDITIONING DOES NOTHING"),
        ([1.0, 1.0, 1.0, 1.0], "CONDITIONING DOES NOTHING"),
        ([1.2, 1.1, 1.15, 1.3], "CONDITIONING HURTS"),
    ],
)
def test_one_line_says_it(factors: list[float], said: str) -> None:
    """Above zero with the whole interval, around it, exactly at it, and below it."""
    line = verdict(conditioning_gain(np.array(factors)[:, None], np.ones((4, 1))))
    assert line.startswith(said) and "\n" not in line


def test_losses_that_do_not_belong_together() -> None:
    """Other shapes, or one column, are refused."""
    with pytest.raises(ValueError, match=r"\(clip, level\)"):
        conditioning_gain(np.ones((3, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"\(clip, level\)"):
        conditioning_gain(np.ones(3), np.ones(3))
