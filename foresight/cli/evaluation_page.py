"""The page of a benchmark's run."""

from __future__ import annotations

from collections.abc import Sequence

from foresight.evaluation.benchmarks import Measured
from foresight.evaluation.extremes import ShownClip
from foresight.evaluation.figures import card_figures
from foresight.evaluation.gates import Gate
from foresight.report import Player, Players, Report, Table
from foresight.runs.directory import RunDirectory

FILMS = {"what happened": "happened", "predicted": "predicted", "difference (doubled)": "difference"}
"""Ends of the files' names by what the videos in step show."""


def evaluation_page(name: str, measured: Measured, folder: RunDirectory, facts: dict[str, str]) -> Report:
    """Clips first, then whether the promises hold, curves, and tables; the films have been written to the folder."""
    shown = [*measured.extremes.worst, *measured.extremes.best]
    rate = shown[0].frame_rate if shown else 8.0
    tables = {
        title: Table(list(rows[0]), [list(row.values()) for row in rows]) for title, rows in measured.tables.items()
    }
    return Report(
        title=f"Benchmark: {name}",
        players=[
            *_players(folder, "worst", measured.extremes.worst),
            *_players(folder, "best", measured.extremes.best),
        ],
        sentence=promises_sentence(measured.gates),
        figures=card_figures(measured.values, measured.figures, rate),
        curves=measured.curves,
        tables=({"Promises": _promises(measured.gates)} if measured.gates else {}) | tables,
        facts=facts,
    )


def promises_sentence(gates: Sequence[Gate]) -> str:
    """How many promises hold, in a sentence; empty where nothing was promised."""
    failed = [gate.name for gate in gates if not gate.holds]
    if not gates:
        return ""
    if not failed:
        return f"All {len(gates)} promises hold."
    return f"{len(failed)} of {len(gates)} promises fail: {'; '.join(failed)}."


def _promises(gates: Sequence[Gate]) -> Table:
    rows = [gate.row() for gate in gates]
    failed = [row for row, gate in enumerate(gates) if not gate.holds]
    return Table(list(rows[0]), [list(row.values()) for row in rows], failed=failed)


def _players(folder: RunDirectory, word: str, clips: Sequence[ShownClip]) -> list[Players]:
    return [
        Players(
            [Player(folder / f"{word}_{number}_{file}.mp4", caption) for caption, file in FILMS.items()],
            clip.context.shape[1] + clip.predicted.shape[1],
            clip.context.shape[1],
            clip.frame_rate,
            f"{word.capitalize()} clip {number}: “{clip.instruction}” ({clip.clip}, error {clip.error:.4f})",
        )
        for number, clip in enumerate(clips, 1)
    ]
