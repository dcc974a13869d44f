"""Conditioning gain by hand, and the line that follows from it."""

from __future__ import annotations

import numpy as np
import pytest

from foresight.metrics.conditioning_gain import clips_to_tell, conditioning_gain, describe_gain
from foresight.metrics.statistics import Estimate


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
        ([1.0, 1.0, 1.0, 1.0], "CONDITIONING DOES NOTHING"),
        ([0.999, 1.001, 1.0, 1.0], "CONDITIONING DOES NOTHING"),
        ([0.9999] * 4, "CONDITIONING DOES NOTHING"),
        ([1.2, 1.1, 1.15, 1.3], "CONDITIONING HURTS"),
        ([0.6, 1.1, 1.1, 0.9], "Cannot tell yet"),
    ],
)
def test_one_line_says_it(factors: list[float], said: str) -> None:
    """Above zero with the whole interval; all of it as good as nothing, even if above zero; below it; and wide."""
    line = describe_gain(conditioning_gain(np.tile(factors, 4)[:, None], np.ones((16, 1))))
    assert line.startswith(said) and "\n" not in line


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (Estimate(0.0, 0.0, 0.0, 24), "CONDITIONING DOES NOTHING"),
        (Estimate(0.435, -0.022, 0.548, 24), "Cannot tell yet"),
        (Estimate(0.02, 0.0004, 0.04, 24), "Cannot tell yet"),
        (Estimate(0.02, 0.0006, 0.04, 24), "Conditioning works"),
        (Estimate(0.0, -0.011, 0.009, 24), "Cannot tell yet"),
        (Estimate(0.3, 0.2, 0.4, 7), "Cannot tell yet"),
        (Estimate(-0.02, -0.04, -0.0004, 24), "Cannot tell yet"),
        (Estimate(0.0, 0.0, 0.0, 2), "CONDITIONING DOES NOTHING"),
        (Estimate(0.001, 0.001, 0.001, 7), "Cannot tell yet"),
    ],
)
def test_the_answer_is_what_the_interval_says(gain: Estimate, said: str) -> None:
    """An interval that touches zero is not "works", a wide one not "does nothing", and few clips say neither."""
    assert describe_gain(gain).startswith(said)


def test_how_many_clips_would_tell() -> None:
    """By hand: to leave zero out the half width 0.3 must fall to 0.0995, a ninth of the clips' variance, 24 · 9.09; to
    be within 1 % around 0 a half width of 0.05 must fall to 0.01, 25 times the clips. Never fewer than there are."""
    assert clips_to_tell(Estimate(0.1, -0.2, 0.4, 24)) == 220
    assert clips_to_tell(Estimate(0.0, -0.05, 0.05, 40)) == 1000
    assert clips_to_tell(Estimate(0.3, 0.2, 0.4, 3)) == 8
    assert clips_to_tell(Estimate(0.02, 0.0004, 0.04, 24)) == 25
    line = describe_gain(Estimate(0.1, -0.2, 0.4, 24))
    assert line.endswith("of 24 clips): more clips (about 220).")


def test_losses_that_do_not_belong_together() -> None:
    """Other shapes, or one column, are refused."""
    with pytest.raises(ValueError, match=r"\(clip, level\)"):
        conditioning_gain(np.ones((3, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"\(clip, level\)"):
        conditioning_gain(np.ones(3), np.ones(3))
