"""`foresight predict`: imagine what comes next in a video, and judge it against what happened."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, Literal

from torch import Tensor

from foresight.cli.console import console, print_table
from foresight.cli.page import draw_page
from foresight.cli.scoring import Score, score_all
from foresight.clips import Clip, load_clip
from foresight.prediction import Prediction
from foresight.report import contact_sheet, side_by_side
from foresight.run import RunDirectory
from foresight.verify import SIGNALS, Verdict, Verifier
from foresight.world_model import WorldModel
from ltx.media import write_mp4

RANKED = 3
"""Fewest candidates that can judge each other."""


def predict(
    *,
    model: WorldModel,
    verifier: Verifier | None,
    video: str,
    instruction: str,
    size: Sequence[int],
    context: int | str,
    horizon: int | str,
    start: float,
    candidates: int,
    noise_level: float | Literal["auto"],
    seed: int,
    steps: int | None,
    run: str,
    replace: bool,
    config: Mapping[str, Any],
) -> Prediction:
    """Predict the future of a clip, compare it with what the file shows next, and write a run directory.

    Args:
        model: the world model.
        verifier: judges the prediction and ranks candidates; None does without.
        video: MP4, WebM, MOV, GIF or a folder of pictures.
        instruction: what is done.
        size: height and width the model works at, multiples of 32.
        context: observed part, frames or seconds ("1.0s").
        horizon: part to predict, frames or seconds.
        start: seconds into the file at which the context begins.
        candidates: futures to draw; the one nearest to all others is shown.
        noise_level: where the adapter's forecast enters the flow, or "auto".
        seed: of the first candidate.
        steps: Euler steps; None takes the model's.
        run: folder to write.
        replace: whether a finished run of that name may be replaced.
        config: plain configuration, recorded.

    Raises:
        MediaError: if the file cannot be read.
        UserError: if a value is out of its range.
    """
    with RunDirectory(run, replace=replace) as folder:
        began = perf_counter()
        clip = load_clip(
            video,
            frame_rate=model.plan.frame_rate,
            size=size,
            context=context,
            horizon=horizon,
            start=start,
        )
        seconds = {"reading": perf_counter() - began}
        prediction = model.predict(
            clip.plan.fit_context(clip.context),
            instruction,
            clip.plan.horizon,
            candidates=candidates,
            noise_level=noise_level,
            seed=seed,
            steps=steps,
        )
        stages = ("features", "encoding", "conditioning", "sampling", "decoding")
        seconds |= {stage: getattr(prediction.seconds, stage) for stage in stages}

        began = perf_counter()
        plausibility = _rank(model, verifier, prediction)
        chosen = prediction.medoid
        verdict = _judge(model, verifier, prediction, clip.observed)
        shown = prediction.video[chosen].cpu()
        scores = [] if clip.observed is None else score_all(model, clip, shown, clip.observed)
        seconds["judging"] = perf_counter() - began

        record = {
            "instruction": instruction,
            "frame_rate": clip.frame_rate,
            "scores": {score.name: score.figures() for score in scores},
            "verdict": None if verdict is None or verifier is None else _verdict_record(verdict, verifier),
            "candidates": _candidate_records(seed, plausibility, len(prediction), chosen),
            "noise_level": prediction.noise_level,
            "seconds": seconds,
            "policy": list(clip.policy),
            "facts": {"video": video, "candidates": str(candidates), "steps": str(prediction.steps)},
        }
        _write(folder, clip, shown, record, config)
        _show(record, scores, clip, folder)
    return prediction


def _rank(model: WorldModel, verifier: Verifier | None, prediction: Prediction) -> list[float]:
    """Plausibility of each candidate; empty where nothing can rank them."""
    if verifier is None or verifier.prospect is None or len(prediction) < RANKED:
        return []
    return verifier.rank(model, prediction).tolist()


def _judge(
    model: WorldModel, verifier: Verifier | None, prediction: Prediction, observed: Tensor | None
) -> Verdict | None:
    if verifier is None or observed is None:
        return None
    return verifier.verify(model, [prediction], observed[None].to(model.device))[0]


def _candidate_records(seed: int, plausibility: list[float], count: int, chosen: int) -> list[dict[str, Any]]:
    values: Sequence[float | None] = plausibility or [None] * count
    return [{"seed": seed + row, "plausibility": values[row], "chosen": row == chosen} for row in range(count)]


def _verdict_record(verdict: Verdict, verifier: Verifier) -> dict[str, Any]:
    """Probability, decision, and how far each signal spoke for or against the prediction."""
    pulls = verifier.pulls(verdict)
    largest = max((abs(pull) for pull in pulls.values()), default=1.0) or 1.0
    return {
        "probability": verdict.probability,
        "decision": verdict.decision,
        "signals": [
            {
                "name": name,
                "value": verdict.signals[name],
                "support": pull / largest,
                "meaning": (type(SIGNALS[name]).__doc__ or name).strip().splitlines()[0],
            }
            for name, pull in pulls.items()
        ],
    }


def _write(folder: RunDirectory, clip: Clip, shown: Tensor, record: dict[str, Any], config: Mapping[str, Any]) -> None:
    rate = clip.frame_rate
    write_mp4(folder / "prediction.mp4", shown, frame_rate=rate)
    write_mp4(
        folder / "side_by_side.mp4", side_by_side(clip.context, shown, clip.observed, frame_rate=rate), frame_rate=rate
    )
    rows = {"predicted": shown} if clip.observed is None else {"what happened": clip.observed, "predicted": shown}
    contact_sheet(folder / "contact_sheet.png", rows, frame_rate=rate)
    folder.write_config(config)
    folder.write_environment()
    folder.write_metrics(record)
    draw_page(folder / ".", record, folder / "report.html")


def _show(record: Mapping[str, Any], scores: Sequence[Score], clip: Clip, folder: RunDirectory) -> None:
    """Print what the run says."""
    for sentence in clip.policy:
        console.print(sentence)
    if scores:
        frames = len(scores[0].mse)
        print_table(f"{frames} predicted frames against what happened", [score.row() for score in scores])
    verdict = record["verdict"]
    if verdict:
        console.print(
            f"verdict: {verdict['decision']}; probability of being right {verdict['probability']:.2f}", style="bold"
        )
        print_table(
            "signals",
            [
                {"signal": s["name"].replace("_", " "), "value": f"{s['value']:.3g}", "support": f"{s['support']:+.2f}"}
                for s in verdict["signals"]
            ],
        )
    ranked = [one for one in record["candidates"] if one["plausibility"] is not None]
    if ranked and not verdict:
        ranked.sort(key=lambda one: -one["plausibility"])
        print_table(
            "candidates",
            [
                {
                    "seed": str(one["seed"]),
                    "plausibility": f"{one['plausibility']:.2f}",
                    "": "shown" if one["chosen"] else "",
                }
                for one in ranked
            ],
        )
    print_table("seconds", [{"stage": name, "seconds": f"{value:.2f}"} for name, value in record["seconds"].items()])
    total = math.fsum(record["seconds"].values())
    console.print(f"{total:.1f} s in all; run directory {folder.path}")
