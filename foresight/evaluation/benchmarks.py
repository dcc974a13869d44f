"""The interface of a benchmark: a world model in, tables and figures with intervals out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from foresight.evaluation.extremes import Extremes
from foresight.evaluation.gates import Gate
from foresight.evaluation.gates import table as gate_table
from foresight.metrics.statistics import Estimate
from foresight.progress import Progress
from foresight.report import Curve
from foresight.results.values import ClipValues
from foresight.world.world_model import WorldModel


@dataclass(frozen=True)
class Measured:
    """The result of a benchmark."""

    tables: dict[str, list[dict[str, str]]]
    """Rows by title; the first column names the row."""
    figures: dict[str, Estimate]
    """Figures by name, with intervals; promises are made of them."""
    curves: tuple[Curve, ...] = ()
    """Charts of the run's page."""
    gates: tuple[Gate, ...] = ()
    """Promises, and whether they hold."""
    values: tuple[ClipValues, ...] = ()
    """Per-clip values that the figures are made of."""
    extremes: Extremes = field(default_factory=Extremes)
    """Clips that were predicted worst and best."""

    @property
    def shown(self) -> dict[str, list[dict[str, str]]]:
        """All tables, that of the promises last."""
        return self.tables | ({"gates": gate_table(self.gates)} if self.gates else {})

    def as_dict(self) -> dict[str, Any]:
        """Plain values of `metrics.json`."""
        return {
            "tables": self.tables,
            "figures": {name: value.as_dict() for name, value in self.figures.items()},
            "gates": [gate.as_dict() for gate in self.gates],
        }


FIGURE, VALUE = "figure", "value [95 % interval]"
"""Heads of the columns of a table of figures."""


def figure_rows(figures: Mapping[str, Estimate], spec: str = ".3f") -> list[dict[str, str]]:
    """A table of figures: one row each, its value and interval by a format."""
    return [{FIGURE: name, VALUE: f"{value:{spec}}"} for name, value in figures.items()]


class Benchmark(Protocol):
    """A measurement of a world model on held-out data."""

    @property
    def name(self) -> str:
        """Name of the run's folder and of the marks in a page."""
        ...

    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Measure; progress is called with (done, total)."""
        ...


class Suite:
    """Several benchmarks, one after the other, each in a folder of its own.

    Args:
        parts: by any key; what is written is named after each benchmark's own name.

    Raises:
        ValueError: if two have the same name.
    """

    def __init__(self, parts: Mapping[str, Benchmark]) -> None:
        names = [part.name for part in parts.values()]
        if len(set(names)) != len(names):
            raise ValueError(f"expected benchmarks of different names, got {', '.join(names)}")
        self.parts = tuple(parts.values())
