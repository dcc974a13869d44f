"""A finished benchmark, loaded from its run directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from foresight.errors import UserError, fault
from foresight.metrics.statistics import Estimate
from foresight.results.values import NAME, ClipValues, read_values
from foresight.runs.received import ReceivedRun


@dataclass(frozen=True, repr=False)
class Results:
    """Everything that a benchmark's run says.

    Args:
        path: the run directory.
        values: per-clip values.
        figures: of the card, with intervals.
        gates: promises as recorded: name, found, aim, holds.
        config: resolved configuration.
        environment: versions, machine, command, date and hashes.
    """

    path: Path
    values: tuple[ClipValues, ...]
    figures: Mapping[str, Estimate]
    gates: tuple[Mapping[str, Any], ...]
    config: Mapping[str, Any]
    environment: Mapping[str, Any]

    def __repr__(self) -> str:
        clips = max((len(one.clips) for one in self.values), default=0)
        return f"Results({str(self.path)!r}: {clips} clips, {len(self.methods)} methods, {len(self.figures)} figures)"

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods, in the order of the run."""
        return tuple(dict.fromkeys(one.method for one in self.values))

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics, in the order of the run."""
        return tuple(dict.fromkeys(one.metric for one in self.values))

    def of(self, method: str, metric: str) -> ClipValues:
        """One metric of one method.

        Raises:
            ValueError: if there is none.
        """
        for one in self.values:
            if (one.method, one.metric) == (method, metric):
                return one
        raise ValueError(
            f"expected a method out of {', '.join(self.methods)} and a metric out of {', '.join(self.metrics)} that "
            f"it has; got {method!r} and {metric!r}"
        )


def load(run: str | Path) -> Results:
    """Read a run of `foresight evaluate`, which may be anybody's: data, of which nothing is run.

    Args:
        run: the folder of one benchmark, such as `runs/evaluate-1/prediction`; its parent is enough if it holds one.

    Raises:
        UserError: if there is no such run, it holds links, or it keeps no per-clip values.
    """
    received = ReceivedRun(_of_one_benchmark(Path(run)))
    try:
        metrics, config = received.json("metrics.json"), received.yaml("config.yaml")
        return Results(
            path=received.path,
            values=read_values(received.text(NAME)),
            figures={name: Estimate(**figure) for name, figure in metrics["figures"].items()},
            gates=tuple(metrics["gates"]),
            config=config,
            environment=received.json("environment.json"),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(
            expected=f"a run of `foresight evaluate` with per-clip values in {received.path}",
            got=fault(error),
            remedy="name the folder of a benchmark, or measure it again if an earlier version wrote it",
        ) from error


def _of_one_benchmark(run: Path) -> Path:
    if (run / "metrics.json").exists() or not run.is_dir():
        return run
    inside = [folder for folder in sorted(run.iterdir()) if (folder / NAME).exists()]
    if len(inside) > 1:
        raise UserError(
            expected="the folder of one benchmark",
            got=f"{run}, which holds {', '.join(folder.name for folder in inside)}",
            remedy=f"name one of them, such as {inside[0]}",
        )
    return inside[0] if inside else run
