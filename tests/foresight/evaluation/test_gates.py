"""Gates: which figures hold, at the aim and beside it."""

from __future__ import annotations

import pytest

from foresight.evaluation.gates import at_least, at_most, surely_above, weakest, within
from foresight.metrics.statistics import Estimate


def figure(value: float, low: float | None = None) -> Estimate:
    return Estimate(value, value - 0.25 if low is None else low, value + 0.25, 9)


def test_a_gate_holds_from_its_aim_on() -> None:
    """At least and at most include the aim; surely above wants the whole interval above it, not at it."""
    assert [at_least("", figure(value), 0.5).holds for value in (0.25, 0.5, 0.75)] == [False, True, True]
    assert [at_most("", figure(value), 0.5).holds for value in (0.25, 0.5, 0.75)] == [True, True, False]
    assert [surely_above("", figure(1.0, low), 0.5).holds for low in (0.25, 0.5, 0.75)] == [False, False, True]


def test_within_holds_on_both_sides() -> None:
    """0.5 ± 0.25 is 0.25 to 0.75, both included."""
    holds = [within("", figure(value), 0.5, 0.25).holds for value in (0.125, 0.25, 0.5, 0.75, 0.875)]
    assert holds == [False, True, True, True, False]


def test_the_weakest_figure_reaches_lowest() -> None:
    """It is the interval that counts, not the value."""
    assert weakest({"a": figure(0.9, 0.1), "b": figure(0.4, 0.3)})[0] == "a"
    with pytest.raises(ValueError, match="at least one"):
        weakest({})


def test_a_row_says_whether_it_holds() -> None:
    """In words that stand out where it does not."""
    row = at_least("skill", figure(0.5), 0.75).row()
    assert row["gate"] == "skill" and row[""] == "FAILS" and row["aim"] == "at least 0.75" and row["clips"] == "9"
    assert at_least("skill", figure(0.75), 0.75).row()[""] == "holds"
