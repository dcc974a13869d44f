"""`foresight evaluate`: run a benchmark on held-out data, print its table, keep its values, and publish it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from foresight.cli.console import console, print_table, progress_bar
from foresight.cli.evaluation_page import FILMS, evaluation_page
from foresight.cli.prediction_record import described
from foresight.errors import UserError
from foresight.evaluation.benchmarks import Benchmark, Measured, Suite
from foresight.evaluation.extremes import ShownClip
from foresight.evaluation.tables import check_marks, publish, section
from foresight.report import contact_sheet, in_step, write_page
from foresight.results.values import NAME, write_values
from foresight.runs.directory import RunDirectory
from foresight.runs.numbers import numbered
from foresight.runs.output import RunOutput
from foresight.world.fingerprint import model_fingerprint
from foresight.world.world_model import WorldModel
from ltx.media import write_mp4


def evaluate(
    *, model: WorldModel, benchmark: Benchmark | Suite, page: str | Path | None, output: RunOutput
) -> list[Measured]:
    """Measure a world model.

    Args:
        model: the world model.
        benchmark: what to measure, or several.
        page: a Markdown file with marks `<!-- NAME -->`, NAME being each benchmark's, between which the tables are put;
            None publishes nothing.
        output: folder in which each benchmark's own run directory is written.

    Raises:
        UserError: if the run has no name.
        ValueError: if the page lacks a mark.
    """
    if not str(output.run).strip():
        raise UserError(expected="the name of a folder", got=repr(str(output.run)), remedy="give run= a name")
    parts = benchmark.parts if isinstance(benchmark, Suite) else (benchmark,)
    if page is not None:
        for part in parts:
            check_marks(page, part.name)
    where = numbered(output.run)
    return [
        _measure(model, part, page, RunOutput(f"{where}/{part.name}", output.replace, output.config)) for part in parts
    ]


def _measure(model: WorldModel, benchmark: Benchmark, page: str | Path | None, output: RunOutput) -> Measured:
    with output.directory() as folder:
        with progress_bar(benchmark.name) as progress:
            measured = benchmark(model, progress)
        for title, rows in measured.shown.items():
            print_table(title, rows)
        facts = _record(folder, model, measured, output)
        write_page(folder / "report.html", evaluation_page(benchmark.name, measured, folder, facts))
        if page is not None:
            publish("\n\n".join(section(title, rows) for title, rows in measured.shown.items()), page, benchmark.name)
    console.print(f"run directory {folder.path}")
    return measured


SAID = ("foresight-wm", "date", "command", "model_sha256", "values_sha256", "revision", "device")
"""Entries of environment.json that the page shows."""


def _record(folder: RunDirectory, model: WorldModel, measured: Measured, output: RunOutput) -> dict[str, str]:
    """Write everything that can be used again; returns what the page says of the run."""
    write_values(folder / NAME, measured.values)
    folder.write_config(output.config)
    found = folder.write_environment(
        {
            "model_sha256": model_fingerprint(model),
            "values_sha256": hashlib.sha256((folder / NAME).read_bytes()).hexdigest(),
        }
    )
    folder.write_metrics(measured.as_dict())
    for word, clips in (("worst", measured.extremes.worst), ("best", measured.extremes.best)):
        for number, clip in enumerate(clips, 1):
            _write_clip(folder, f"{word}_{number}", clip)
    return described(output.config) | {name: found[name] for name in SAID if name in found}


def _write_clip(folder: RunDirectory, name: str, clip: ShownClip) -> None:
    rate = clip.frame_rate
    for caption, film in in_step(clip.context, {"predicted": clip.predicted}, clip.observed).items():
        write_mp4(folder / f"{name}_{FILMS[caption]}.mp4", film, frame_rate=rate)
    contact_sheet(
        folder / f"{name}.png", {"what happened": clip.observed, "predicted": clip.predicted}, frame_rate=rate
    )
