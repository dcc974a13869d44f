"""Gates, the promises that a benchmark can break: a figure, an aim, and whether it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foresight.metrics.statistics import Estimate


@dataclass(frozen=True)
class Gate:
    """One promise.

    Args:
        name: of the promise.
        found: the figure.
        aim: bound of the figure, in words.
        holds: true if the figure keeps to it.
    """

    name: str
    found: Estimate
    aim: str
    holds: bool

    def row(self) -> dict[str, str]:
        """Its row of a table."""
        return {
            "gate": self.name,
            "found [95 % interval]": f"{self.found:.3f}",
            "clips": str(self.found.clips),
            "aim": self.aim,
            "": "holds" if self.holds else "FAILS",
        }

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"name": self.name, "found": self.found.as_dict(), "aim": self.aim, "holds": self.holds}


def surely_above(name: str, found: Estimate, aim: float) -> Gate:
    """A gate that holds if the whole interval lies above the aim."""
    return Gate(name, found, f"interval above {aim:.3g}", found.low > aim)


def at_least(name: str, found: Estimate, aim: float) -> Gate:
    """A gate that holds if the figure reaches the aim."""
    return Gate(name, found, f"at least {aim:g}", found.value >= aim)


def at_most(name: str, found: Estimate, aim: float) -> Gate:
    """A gate that holds if the figure does not exceed the aim."""
    return Gate(name, found, f"at most {aim:g}", found.value <= aim)


def within(name: str, found: Estimate, aim: float, margin: float) -> Gate:
    """A gate that holds if the figure lies within a margin of the aim."""
    return Gate(name, found, f"{aim:g} ± {margin:g}", abs(found.value - aim) <= margin)


def weakest(found: Mapping[str, Estimate]) -> tuple[str, Estimate]:
    """The figure whose interval reaches lowest, with its name: a promise about all holds if it holds there.

    Raises:
        ValueError: if there is none.
    """
    if not found:
        raise ValueError("expected at least one figure, got none")
    return min(found.items(), key=lambda item: item[1].low)


def table(gates: Sequence[Gate]) -> list[dict[str, str]]:
    """One row per gate."""
    return [gate.row() for gate in gates]
