"""The page of a prediction's run, drawn from what its metrics.json records."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foresight.cli.attempts import attempt_rows
from foresight.report import Curve, Film, Report, Signal, Table, write_page

FILMS = {
    "side_by_side.mp4": "context · what happened · predicted · difference",
    "prediction.mp4": "the prediction alone",
}
SAID = {
    "hit": "likely that the prediction comes true",
    "probability": "likely that what happened follows from clip and instruction",
}


def draw_page(folder: Path, record: Mapping[str, Any], target: Path) -> None:
    """Write the page.

    Args:
        folder: where the run's videos are.
        record: what metrics.json holds.
        target: the file to write.
    """
    scores = record["scores"]
    write_page(
        target,
        Report(
            title="Prediction",
            instruction=record["instruction"],
            decision=_decision(record["verdict"]),
            probabilities=_probabilities(record["verdict"]),
            signals=_signals(record["verdict"]),
            films=[Film(folder / name, caption) for name, caption in FILMS.items() if (folder / name).is_file()],
            tables=_loop(record.get("loop")) | ({"Nearness to what happened": _scores(scores)} if scores else {}),
            curves=[_curve(scores, record["frame_rate"])] if scores else [],
            candidates=_candidates(record["candidates"]),
            stages=record["seconds"],
            policy=record["policy"],
            facts=record["facts"],
        ),
    )


def _decision(verdict: Mapping[str, Any] | None) -> str:
    """What was decided, and why where nothing was judged."""
    if verdict is None:
        return ""
    reason = verdict.get("reason")
    return f"{verdict['decision']}: {reason}" if reason else str(verdict["decision"])


def _probabilities(verdict: Mapping[str, Any] | None) -> dict[str, float]:
    # Runs of before predictions were judged themselves say nothing of hits.
    known = {} if verdict is None else {name: verdict.get(name) for name in SAID}
    return {SAID[name]: value for name, value in known.items() if value is not None}


def _signals(verdict: Mapping[str, Any] | None) -> list[Signal]:
    if verdict is None:
        return []
    return [
        Signal(
            name=signal["name"].replace("_", " "),
            value=f"{signal['value']:.3g}",
            support=signal["support"],
            meaning=signal["meaning"],
        )
        for signal in verdict["signals"]
    ]


def _loop(loop: Mapping[str, Any] | None) -> dict[str, Table]:
    """Attempts of a policy, and what it takes on frames that it has not seen."""
    if loop is None:
        return {}
    taken = loop["outcome"].get("attempt")
    tables = {"Attempts": _rows(attempt_rows(loop), best=taken, note=f"Outcome: {loop['decision']}.")}
    if loop["unseen"]:
        tables["Nearness on frames that the policy had not seen"] = _rows(loop["unseen"])
    return tables


def _rows(rows: list[dict[str, str]], best: int | None = None, note: str = "") -> Table:
    return Table(list(rows[0]), [list(row.values()) for row in rows], best=best, note=note)


def _scores(scores: Mapping[str, Any]) -> Table:
    rows = [
        [name, f"{figures['psnr']:.2f}", f"{figures['ssim']:.4f}", f"{figures['mse']:.5f}"]
        for name, figures in scores.items()
    ]
    return Table(["", "PSNR (dB)", "SSIM", "MSE"], rows, note="Over the predicted frames that were observed.")


def _curve(scores: Mapping[str, Any], frame_rate: float) -> Curve:
    lines = {name: figures["mse_per_frame"] for name, figures in scores.items()}
    frames = len(next(iter(lines.values())))
    return Curve(
        title="Error of each frame",
        lines=lines,
        x=[(index + 1) / frame_rate for index in range(frames)],
        x_label="seconds after the context",
        y_label="mean squared error",
    )


def _candidates(candidates: list[Mapping[str, Any]]) -> Table | None:
    if len(candidates) < 2:
        return None
    rows = [
        [str(candidate["seed"]), "–" if candidate["plausibility"] is None else f"{candidate['plausibility']:.3f}"]
        for candidate in candidates
    ]
    best = next((index for index, candidate in enumerate(candidates) if candidate["chosen"]), None)
    return Table(["seed", "plausibility"], rows, best=best, note="Judged by the other candidates, nothing observed.")
