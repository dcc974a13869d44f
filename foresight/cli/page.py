"""The page of a prediction's run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from foresight.cli.attempts import attempt_rows
from foresight.report import Curve, Film, Player, Players, Report, Signal, Table, write_page
from foresight.report.prediction import CandidateReport, LoopReport, PredictionReport, ScoreReport, VerdictReport
from foresight.report.words import signal_words, verdict_reasons, verdict_sentence

STEPS = {
    "what happened": "step_happened.mp4",
    "predicted": "step_predicted.mp4",
    "another candidate": "step_candidate.mp4",
    "first attempt": "step_first_attempt.mp4",
    "difference (doubled)": "step_difference.mp4",
}
"""Files of the videos in step, by caption."""
LOOP = "loop.svg"
FILMS = {
    LOOP: "attempts of the loop, each with its probability of being right",
    "contact_sheet.png": "stills: what happened, and what was predicted",
}
EARLIER = {"side_by_side.mp4": "context · what happened · predicted · difference"}
"""Of runs of before there were videos in step."""
CORRECT = "likely that the prediction comes true"
FOLLOWS = "likely that what happened follows from clip and instruction"


def draw_page(folder: Path, report: PredictionReport, target: Path) -> None:
    """Write the page.

    Args:
        folder: where the run's videos are.
        report: what the page says.
        target: the file to write.
    """
    scores, verdict = report.scores, report.verdict
    players = _players(folder, report)
    films = FILMS if players else EARLIER | FILMS
    write_page(
        target,
        Report(
            title="Prediction",
            instruction=report.instruction,
            players=players,
            sentence="" if verdict is None else verdict_sentence(verdict),
            why=[] if verdict is None else verdict_reasons(verdict),
            decision="" if verdict is None else verdict.decision,
            probabilities={} if verdict is None else probabilities(verdict),
            signals=_signals(verdict),
            films=[Film(folder / name, caption) for name, caption in films.items() if (folder / name).is_file()],
            tables=_loop(report.loop) | ({"Nearness to what happened": _scores(scores)} if scores else {}),
            curves=[_curve(scores, report.frame_rate)] if scores else [],
            candidates=_candidates(report.candidates),
            stages=report.seconds,
            policy=report.notes,
            facts=dict(report.facts) | _made(folder),
        ),
    )


def probabilities(verdict: VerdictReport) -> dict[str, float]:
    """Probabilities of a verdict, by what they are of."""
    known = {CORRECT: verdict.prediction_correct, FOLLOWS: verdict.probability}
    return {text: value for text, value in known.items() if value is not None}


def _players(folder: Path, report: PredictionReport) -> list[Players]:
    films = [Player(folder / name, caption) for caption, name in STEPS.items() if (folder / name).is_file()]
    return [Players(films, report.given + report.imagined, report.given, report.frame_rate)] if films else []


def _made(folder: Path) -> dict[str, str]:
    """When, by which version and by which command the run was made, as far as it says so."""
    try:
        found = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {
        head: str(found[name])
        for head, name in (("version", "foresight-wm"), ("date", "date"), ("command", "command"))
        if isinstance(found, dict) and name in found
    }


def _signals(verdict: VerdictReport | None) -> list[Signal]:
    return [
        Signal(
            name=signal_words(signal.name),
            value=f"{signal.value:.3g}",
            support=signal.support,
            meaning=f"{signal.name.replace('_', ' ')}: {signal.meaning}",
        )
        for signal in (() if verdict is None else verdict.signals)
    ]


def _loop(loop: LoopReport | None) -> dict[str, Table]:
    """Attempts of a policy, and nearness of the taken one on frames that it has not seen."""
    if loop is None:
        return {}
    tables = {"Attempts": _rows(attempt_rows(loop.attempts), best=loop.taken, note=f"Outcome: {loop.decision}.")}
    if loop.unseen:
        tables["Nearness on frames that the policy had not seen"] = _rows(loop.unseen)
    return tables


def _rows(rows: Sequence[Mapping[str, str]], best: int | None = None, note: str = "") -> Table:
    return Table(list(rows[0]), [list(row.values()) for row in rows], best=best, note=note)


def _scores(scores: Mapping[str, ScoreReport]) -> Table:
    rows = [[name, f"{one.psnr:.2f}", f"{one.ssim:.4f}", f"{one.mse:.5f}"] for name, one in scores.items()]
    return Table(["", "PSNR (dB)", "SSIM", "MSE"], rows, note="Over the predicted frames that were observed.")


def _curve(scores: Mapping[str, ScoreReport], frame_rate: float) -> Curve:
    lines = {name: list(one.mse_per_frame) for name, one in scores.items()}
    frames = len(next(iter(lines.values())))
    return Curve(
        title="Error of each frame",
        lines=lines,
        x=[(index + 1) / frame_rate for index in range(frames)],
        x_label="seconds after the context",
        y_label="mean squared error",
    )


def _candidates(candidates: Sequence[CandidateReport]) -> Table | None:
    if len(candidates) < 2:
        return None
    rows = [[str(one.seed), "–" if one.plausibility is None else f"{one.plausibility:.3f}"] for one in candidates]
    best = next((index for index, one in enumerate(candidates) if one.chosen), None)
    return Table(["seed", "plausibility"], rows, best=best, note="Judged by the other candidates, nothing observed.")
