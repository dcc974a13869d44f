"""Per-clip values of a benchmark, and the file that holds them: a line of JSON per number, compressed.

`pandas.read_json("values.jsonl.gz", lines=True)` reads the file; so does `zcat`.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ltx.files import replacing

NAME = "values.jsonl.gz"
"""Of the file in a run directory."""
WHOLE = 0
"""Horizon of a value that is of the whole clip."""
FIELDS = ("clip", "seed", "method", "horizon", "metric", "value")


@dataclass(frozen=True)
class ClipValues:
    """One metric of one method on every clip.

    Args:
        method: e.g. "prediction" or "copy last frame".
        metric: with its unit, e.g. "mse" or "position error (px)".
        clips: names, such as "test 10000003" of a simulated clip or a file's.
        seeds: of the first candidate of each clip; 0 where nothing is drawn.
        horizons: predicted frame of each column, from 1; `WHOLE` for a value of the whole clip. Where values are of
            something else, such as a noise level, the metric says so.
        values: NaN where a clip has none.

    Raises:
        ValueError: if the sizes differ.
    """

    method: str
    metric: str
    clips: tuple[str, ...]
    seeds: tuple[int, ...]
    horizons: tuple[int, ...]
    values: Float[np.ndarray, "clip horizon"]

    def __post_init__(self) -> None:
        expected = (len(self.clips), len(self.horizons))
        if self.values.shape != expected or len(self.seeds) != len(self.clips):
            raise ValueError(
                f"expected values of {expected[0]} clips and {expected[1]} horizons with a seed each, got "
                f"{self.values.shape} and {len(self.seeds)} seeds"
            )

    @property
    def whole(self) -> Float[np.ndarray, " clip"]:
        """One value per clip: that of the whole clip, or the mean over its frames."""
        mean: np.ndarray = self.values.mean(axis=1)
        return mean

    def at(self, horizon: int) -> Float[np.ndarray, " clip"]:
        """Values at one horizon.

        Raises:
            ValueError: if there are none at it.
        """
        if horizon not in self.horizons:
            raise ValueError(
                f"expected a horizon of {self.method}'s {self.metric} out of {list(self.horizons)}, got {horizon}"
            )
        return self.values[:, self.horizons.index(horizon)]

    def lines(self) -> Iterator[dict[str, Any]]:
        """One record per number, with the names of `FIELDS`; numbers are numbers, what is missing is left out."""
        for clip, seed, row in zip(self.clips, self.seeds, self.values.tolist(), strict=True):
            for horizon, value in zip(self.horizons, row, strict=True):
                if np.isfinite(value):
                    yield dict(zip(FIELDS, (clip, seed, self.method, horizon, self.metric, value), strict=True))


def clip_values(
    clips: Sequence[str], method: str, metric: str, values: np.ndarray, seeds: Sequence[int] | None = None
) -> ClipValues:
    """Values of all clips; those with a second axis are of the predicted frames, in order.

    Args:
        clips: names.
        method: name.
        metric: name and unit.
        values: (clips,) or (clips, frames).
        seeds: of the first candidate; None where nothing is drawn.
    """
    table = np.asarray(values, dtype=np.float64)
    horizons = (WHOLE,) if table.ndim == 1 else tuple(range(1, table.shape[1] + 1))
    return ClipValues(
        method, metric, tuple(clips), tuple(seeds or [0] * len(clips)), horizons, table.reshape(len(clips), -1)
    )


def write_values(path: str | Path, values: Sequence[ClipValues]) -> None:
    """Write all numbers; the same numbers make the same bytes.

    Raises:
        OSError: if the folder cannot be written.
    """
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for one in values for line in one.lines())
    with replacing(path) as temporary:
        temporary.write_bytes(gzip.compress(text.encode(), 6, mtime=0))


def read_values(text: str) -> tuple[ClipValues, ...]:
    """Parse what `write_values` wrote.

    Raises:
        ValueError: if a line is not a number of a clip.
    """
    found: dict[tuple[str, str], dict[tuple[str, int], dict[int, float]]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        try:
            record = json.loads(line)
            clip, seed, method, horizon, metric, value = (record[name] for name in FIELDS)
            clips = found.setdefault((str(method), str(metric)), {})
            clips.setdefault((str(clip), int(seed)), {})[int(horizon)] = float(value)
        except (ValueError, LookupError, TypeError) as error:
            raise ValueError(
                f"expected {', '.join(FIELDS)} in line {number} of the values, got {line[:80]!r}"
            ) from error
    return tuple(_table(method, metric, clips) for (method, metric), clips in found.items())


def _table(method: str, metric: str, clips: dict[tuple[str, int], dict[int, float]]) -> ClipValues:
    horizons = tuple(sorted({horizon for row in clips.values() for horizon in row}))
    table = np.array([[row.get(horizon, np.nan) for horizon in horizons] for row in clips.values()])
    names, seeds = zip(*clips, strict=True)
    return ClipValues(method, metric, tuple(names), tuple(seeds), horizons, table)
