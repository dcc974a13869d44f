"""Files that a run of `foresight predict` leaves in its folder, and the tables that it prints."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from foresight.cli.attempts import attempt_rows
from foresight.cli.console import console, print_table
from foresight.cli.page import STEPS, probabilities
from foresight.report import contact_sheet, in_step, percent, side_by_side
from foresight.report.prediction import CandidateReport, LoopReport, PredictionReport, VerdictReport
from foresight.runs.directory import RunDirectory
from foresight.runs.output import RunOutput
from foresight.video.clips import Clip
from ltx.media import write_mp4

SHORT = ("attempt", "instruction", "as told", "hit", "decision", "seconds", "evaluations")
"""Columns of an attempt that fit on a terminal; the page shows all."""


def write(
    folder: RunDirectory, clip: Clip, videos: Mapping[str, Tensor], report: PredictionReport, output: RunOutput
) -> None:
    """Write the videos, the contact sheet and the record.

    Args:
        folder: of the run, being written.
        clip: what was given and what happened.
        videos: predictions by name, the one that is shown first.
        report: the record.
        output: the run's configuration.
    """
    rate, shown = clip.frame_rate, next(iter(videos.values()))
    write_mp4(folder / "prediction.mp4", shown, frame_rate=rate)
    write_mp4(
        folder / "side_by_side.mp4", side_by_side(clip.context, shown, clip.observed, frame_rate=rate), frame_rate=rate
    )
    rows = {"predicted": shown} if clip.observed is None else {"what happened": clip.observed, "predicted": shown}
    contact_sheet(folder / "contact_sheet.png", rows, frame_rate=rate)
    for name, film in in_step(clip.context, videos, clip.observed).items():
        write_mp4(folder / STEPS[name], film, frame_rate=rate)
    output.record(folder, report.to_dict())


def show(report: PredictionReport, clip: Clip, folder: RunDirectory) -> None:
    """Print the notes, tables and verdict of a run."""
    for sentence in report.notes:
        console.print(sentence)
    if "adapter" in report.facts:
        console.print(f"adapter: {report.facts['adapter']}")
    if report.loop is not None:
        _show_loop(report.loop)
    if report.scores and clip.observed is not None:
        rows = [
            {"": name, "PSNR (dB)": f"{one.psnr:.2f}", "SSIM": f"{one.ssim:.4f}", "MSE": f"{one.mse:.5f}"}
            for name, one in report.scores.items()
        ]
        print_table(f"{clip.observed.shape[1]} predicted frames against what happened", rows)
    if report.verdict is not None:
        _show_verdict(report.verdict)
    else:
        _show_candidates([one for one in report.candidates if one.plausibility is not None])
    print_table("seconds", [{"stage": name, "seconds": f"{value:.2f}"} for name, value in report.seconds.items()])
    total = math.fsum(report.seconds.values())
    console.print(f"{total:.1f} s in all; run directory {folder.path}")


def _show_loop(loop: LoopReport) -> None:
    print_table("attempts", [{name: row[name] for name in SHORT} for row in attempt_rows(loop.attempts)])
    console.print(loop.decision, style="bold")
    if loop.unseen:
        print_table("frames that the loop had not seen", loop.unseen)


def _show_verdict(verdict: VerdictReport) -> None:
    console.print(f"verdict: {verdict.decision}", style="bold")
    if verdict.reason:
        console.print(verdict.reason)
    for text, value in probabilities(verdict).items():
        console.print(f"{percent(value)} {text}")
    signals = [
        {"signal": one.name.replace("_", " "), "value": f"{one.value:.3g}", "support": f"{one.support:+.2f}"}
        for one in verdict.signals
    ]
    if signals:
        print_table("signals", signals)


def _show_candidates(ranked: list[CandidateReport]) -> None:
    if not ranked:
        return
    ranked = sorted(ranked, key=lambda one: -(one.plausibility or 0.0))
    rows = [
        {"seed": str(one.seed), "plausibility": f"{one.plausibility:.2f}", "": "shown" if one.chosen else ""}
        for one in ranked
    ]
    print_table("candidates", rows)
