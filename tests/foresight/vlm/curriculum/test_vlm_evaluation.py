"""Grading of answers by hand."""

from __future__ import annotations

import pytest

from foresight.vlm.curriculum.vlm_evaluation import score


def test_words_must_be_equal_and_places_are_measured() -> None:
    """Of 64 pixels, 3 and 4 percent off are 5 % of 64; a missing place is not measured, and other words are wrong."""
    pairs = [
        ("red ball at (10,20) left", "red ball at (13,24) left"),
        ("at (10,20)", "at (10,20)"),
        ("at (10,20) to (30,40)", "at (10,20)"),
        ("left", "right"),
    ]
    found = score(pairs, size=64)
    assert (found.asked, found.right) == (4, 2)
    assert found.pixels == pytest.approx((0.05 * 64, 0.0))
    assert found.accuracy == 0.5 and found.distance == pytest.approx(0.025 * 64)
