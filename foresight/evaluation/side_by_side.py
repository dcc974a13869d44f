"""Several benchmarks in one table, such as one card in several worlds: of each, chosen figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from foresight.evaluation.benchmarks import Benchmark, Measured
from foresight.evaluation.gates import Gate
from foresight.metrics.statistics import Estimate
from foresight.progress import Progress
from foresight.results.values import ClipValues
from foresight.world.world_model import WorldModel

RESOLUTION = 100
"""Into how many pieces the progress of each benchmark is divided."""


class SideBySide:
    """A table with a row for each benchmark; each keeps its own card for whoever runs it alone.

    Args:
        name: of the run's folder and of the marks in a page.
        parts: benchmarks by what tells them apart; underscores are shown as spaces.
        figures: names of the figures to show, by the heads of their columns; a dash where a part has none, such as how
            well correct predictions are told from others where none is correct.
        gates: beginnings of the names of those gates that are promised of every part. Others are not: a conformal
            threshold, for one, promises nothing elsewhere than where it was fitted.
    """

    def __init__(
        self, *, name: str, parts: Mapping[str, Benchmark], figures: Mapping[str, str], gates: Sequence[str]
    ) -> None:
        self.name = name
        self._parts = {key.replace("_", " "): part for key, part in parts.items()}
        self._heads, self._gates = dict(figures), tuple(gates)

    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Run one after the other.

        Raises:
            ValueError: if no part has a figure of a name, or a part promises nothing of a gate's name.
        """
        rows: list[dict[str, str]] = []
        figures: dict[str, Estimate] = {}
        gates: list[Gate] = []
        values: list[ClipValues] = []
        for index, (key, part) in enumerate(self._parts.items()):

            def step(done: int, of: int, before: int = index) -> None:
                progress(round(RESOLUTION * (before + done / of)), RESOLUTION * len(self._parts))

            found = part(model, step)
            self._check_gates(key, found)
            values += [replace(one, method=f"{key}: {one.method}") for one in found.values]
            shown = {head: found.figures.get(name) for head, name in self._heads.items()}
            rows.append({"": key} | {head: "–" if one is None else f"{one:.3f}" for head, one in shown.items()})
            figures |= {f"{key}: {self._heads[head]}": one for head, one in shown.items() if one is not None}
            gates += [
                replace(one, name=f"{key}: {one.name}") for one in found.gates if one.name.startswith(self._gates)
            ]
        unknown = [name for name in self._heads.values() if not any(f"{key}: {name}" in figures for key in self._parts)]
        if unknown:
            raise ValueError(f"expected figures named {unknown} of {', '.join(self._parts)}, got none of that name")
        return Measured({self.name.replace("_", " "): rows}, figures, gates=tuple(gates), values=tuple(values))

    def _check_gates(self, key: str, found: Measured) -> None:
        names = [one.name for one in found.gates]
        missing = [start for start in self._gates if not any(name.startswith(start) for name in names)]
        if missing:
            raise ValueError(f"expected gates of {key} named {missing}, got {names}")
