"""Benchmarks beside each other: a row and the promised gates of each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from foresight.evaluation.benchmarks import Measured
from foresight.evaluation.gates import at_least
from foresight.evaluation.side_by_side import SideBySide
from foresight.metrics.statistics import Estimate


class Constant:
    """A benchmark with one figure that is promised, and one that is not."""

    name = "constant"

    def __init__(self, value):
        self._found = Estimate(value, value - 0.1, value + 0.1, 10)

    def __call__(self, model, progress):
        """Two steps."""
        progress(1, 2)
        progress(2, 2)
        figures = {"x": self._found, "y": self._found}
        return Measured({}, figures, gates=(at_least("x at frame 3", self._found, 0.5), at_least("y", self._found, 1)))


def test_each_part_has_a_row_and_only_its_promised_gates() -> None:
    """One of two parts breaks its promise; what is not promised elsewhere is no gate; progress runs through both."""
    steps = []
    beside = SideBySide(
        name="else_where", parts={"a_b": Constant(0.8), "c": Constant(0.2)}, figures={"X": "x"}, gates=["x at"]
    )
    found = beside(None, lambda done, of: steps.append((done, of)))
    assert [(row[""], row["X"][:5]) for row in found.tables["else where"]] == [("a b", "0.800"), ("c", "0.200")]
    assert [(gate.name, gate.holds) for gate in found.gates] == [
        ("a b: x at frame 3", True),
        ("c: x at frame 3", False),
    ]
    assert found.figures["c: x"].value == 0.2 and set(found.figures) == {"a b: x", "c: x"}
    assert steps == [(50, 200), (100, 200), (150, 200), (200, 200)]


@pytest.mark.parametrize("asked", [{"figures": {"Z": "z"}}, {"gates": ["z"]}])
def test_a_figure_or_gate_that_is_not_there_is_named(asked: Any) -> None:
    """Better than an empty column."""
    with pytest.raises(ValueError, match="'z'"):
        SideBySide(**{"name": "n", "parts": {"a": Constant(1)}, "figures": {}, "gates": [], **asked})(None, print)


def test_a_figure_that_one_part_has_not_is_a_dash() -> None:
    """Where nothing hits, hits cannot be told from misses: what was measured of the others is not lost for it."""

    class More(Constant):
        def __call__(self, model, progress):
            found = super().__call__(model, progress)
            return replace(found, figures=found.figures | {"z": self._found})

    found = SideBySide(name="n", parts={"a": Constant(1), "b": More(2)}, figures={"Z": "z"}, gates=[])(None, print)
    assert found.tables["n"] == [{"": "a", "Z": "–"}, {"": "b", "Z": "2.000 [1.900, 2.100]"}]
    assert set(found.figures) == {"b: z"}
