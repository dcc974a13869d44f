"""The page of a benchmark's run."""

from __future__ import annotations

from foresight.evaluation.benchmarks import Measured
from foresight.report import Film, Report, Table
from foresight.runs.directory import RunDirectory


def evaluation_page(name: str, measured: Measured, folder: RunDirectory) -> Report:
    """Clips, promises, curves and tables; the films have been written to the folder."""
    films = [
        Film(folder / f"{word}_{number}.mp4", f"{word} clip {number}: {clip.clip}, “{clip.instruction}”")
        for word, clips in (("worst", measured.extremes.worst), ("best", measured.extremes.best))
        for number, clip in enumerate(clips, 1)
    ]
    tables = {
        title: Table(list(rows[0]), [list(row.values()) for row in rows]) for title, rows in measured.shown.items()
    }
    return Report(title=f"Benchmark: {name}", films=films, tables=tables, curves=measured.curves)
