"""`foresight predict`: imagine what comes next in a video, and judge it against what happened."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

from torch import Tensor

from foresight.cli.attempts import attempt_rows
from foresight.cli.console import console, print_table
from foresight.cli.looped import decision, loop_record, run_loop, shown_attempt
from foresight.cli.page import SAID, draw_page
from foresight.cli.scoring import score_all
from foresight.clips import Clip, load_clip
from foresight.loop import Budget, Policy, Trace
from foresight.loop.revisers import Reviser
from foresight.prediction import Prediction
from foresight.report import contact_sheet, percent, side_by_side
from foresight.request import NoiseLevel
from foresight.run import RunDirectory
from foresight.verify import PLAUSIBILITIES, SIGNALS, Verdict, Verifier
from foresight.world_model import WorldModel
from ltx.media import write_mp4

RANKED = 3
"""Fewest candidates that can judge each other."""

SHORT = ("attempt", "instruction", "as told", "hit", "decision", "seconds", "evaluations")
"""What fits on a terminal of what is known of an attempt; the page shows all."""


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
    noise_level: NoiseLevel,
    seed: int,
    steps: int | None,
    policy: Policy | None,
    budget: Budget,
    reviser: Reviser | None,
    hypotheses: Sequence[str],
    observe: int,
    run: str,
    replace: bool,
    config: Mapping[str, Any],
) -> Prediction | Trace:
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
        candidates: futures to draw; the plan's estimate from them is shown.
        noise_level: where the adapter's forecast enters the flow, or "auto".
        seed: of the first candidate.
        steps: Euler steps; None takes the model's.
        policy: corrects the prediction by the first frames that were observed; None predicts once and verifies with
            all of them.
        budget: of the policy.
        reviser: rewords the instruction, if the policy asks for it.
        hypotheses: what else could have been done, for policies that compare or revise.
        observe: frames after the context that the policy may look at; the others score what it takes.
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
        result: Prediction | Trace
        if policy is None:
            result, shown, record = _once(
                model,
                verifier,
                clip,
                instruction,
                candidates=candidates,
                noise_level=noise_level,
                seed=seed,
                steps=steps,
            )
        else:
            result = run_loop(
                model,
                verifier,
                clip,
                instruction=instruction,
                seed=seed,
                candidates=candidates,
                noise_level=noise_level,
                policy=policy,
                budget=budget,
                reviser=reviser,
                hypotheses=hypotheses,
                observe=observe,
            )
            result.save(folder / ".")
            shown, record = _of_loop(model, verifier, clip, result)
        record["seconds"] = seconds | record["seconds"]
        record["facts"] = {"video": video, "candidates": str(candidates), **record["facts"]}
        _write(folder, clip, shown, record, config)
        _show(record, clip, folder)
    return result


def _once(
    model: WorldModel,
    verifier: Verifier | None,
    clip: Clip,
    instruction: str,
    *,
    candidates: int,
    noise_level: NoiseLevel,
    seed: int,
    steps: int | None,
) -> tuple[Prediction, Tensor, dict[str, Any]]:
    """One prediction, what is shown of it, and its record."""
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
    seconds = {stage: getattr(prediction.seconds, stage) for stage in stages}
    began = perf_counter()
    plausibility = _rank(model, verifier, prediction)
    verdict = _judge(model, verifier, prediction, clip.observed)
    shown = model.shown(prediction).cpu()
    record = _record(model, verifier, clip, instruction, shown, verdict)
    record["candidates"] = _candidate_records(model, prediction, plausibility)
    record["noise_level"] = prediction.noise_level
    record["seconds"] = {**seconds, "judging": perf_counter() - began}
    record["facts"] = {"steps": str(prediction.steps), "adapter": _adapter_in_force(model, prediction)}
    return prediction, shown, record


def _adapter_in_force(model: WorldModel, prediction: Prediction) -> str:
    """What of the adapter had a say, in words."""
    if model.adapter is None:
        return "none: the video model alone"
    unused = sorted(model.adapter.provides - set(prediction.conditions))
    heard = f"{' and '.join(prediction.conditions) or 'nothing'} at noise level {prediction.noise_level:.2f}"
    return heard + (f"; its {' and '.join(unused)} has no say at that level" if unused else "")


def _of_loop(model: WorldModel, verifier: Verifier | None, clip: Clip, trace: Trace) -> tuple[Tensor, dict[str, Any]]:
    """What is shown of a loop, and its record."""
    attempt = shown_attempt(trace)
    record = _record(model, verifier, clip, attempt.instruction, attempt.shown, attempt.verdict)
    record["candidates"] = []
    record["noise_level"] = attempt.noise_level
    record["seconds"] = {"attempts": trace.spent.seconds}
    record["facts"] = {"outcome": decision(trace), "transformer evaluations": str(trace.spent.evaluations)}
    record["loop"] = loop_record(trace, clip)
    return attempt.shown, record


def _record(
    model: WorldModel,
    verifier: Verifier | None,
    clip: Clip,
    instruction: str,
    shown: Tensor,
    verdict: Verdict | None,
) -> dict[str, Any]:
    scores = [] if clip.observed is None else score_all(model, clip, shown, clip.observed)
    return {
        "instruction": instruction,
        "frame_rate": clip.frame_rate,
        "scores": {score.name: score.figures() for score in scores},
        "verdict": None if verdict is None or verifier is None else _verdict_record(verdict, verifier),
        "policy": list(clip.policy),
    }


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


def _candidate_records(model: WorldModel, prediction: Prediction, plausibility: list[float]) -> list[dict[str, Any]]:
    """Seed and plausibility of each candidate; chosen is the one that is shown, none if their consensus is."""
    values: Sequence[float | None] = plausibility or [None] * len(prediction)
    chosen = prediction.medoid if model.plan.estimate == "medoid" or len(prediction) == 1 else None
    return [
        {"seed": prediction.seed + row, "plausibility": value, "chosen": row == chosen}
        for row, value in enumerate(values)
    ]


def _verdict_record(verdict: Verdict, verifier: Verifier) -> dict[str, Any]:
    """Probabilities, decision, and how far each signal spoke for or against."""
    pulls = verifier.pulls(verdict)
    measured: Mapping[str, object] = SIGNALS if verdict.frames else PLAUSIBILITIES
    largest = max((abs(pull) for pull in pulls.values()), default=1.0) or 1.0
    return {
        "frames": verdict.frames,
        # Where nothing was observed, only the prediction itself can be likely.
        "probability": verdict.probability if verdict.frames else None,
        "hit": verdict.hit,
        "decision": verdict.decision,
        "signals": [
            {
                "name": name,
                "value": verdict.signals[name],
                "support": pull / largest,
                "meaning": (type(measured[name]).__doc__ or name).strip().splitlines()[0],
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


def _show(record: Mapping[str, Any], clip: Clip, folder: RunDirectory) -> None:
    """Print what the run says."""
    for sentence in clip.policy:
        console.print(sentence)
    if "adapter" in record["facts"]:
        console.print(f"adapter: {record['facts']['adapter']}")
    if loop := record.get("loop"):
        print_table("attempts", [{name: row[name] for name in SHORT} for row in attempt_rows(loop)])
        console.print(loop["decision"], style="bold")
        if loop["unseen"]:
            print_table("frames that the loop had not seen", loop["unseen"])
    if record["scores"] and clip.observed is not None:
        rows = [
            {"": name, "PSNR (dB)": f"{one['psnr']:.2f}", "SSIM": f"{one['ssim']:.4f}", "MSE": f"{one['mse']:.5f}"}
            for name, one in record["scores"].items()
        ]
        print_table(f"{clip.observed.shape[1]} predicted frames against what happened", rows)
    verdict = record["verdict"]
    if verdict:
        console.print(f"verdict: {verdict['decision']}", style="bold")
        for name, text in SAID.items():
            if verdict[name] is not None:
                console.print(f"{percent(verdict[name])} {text}")
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
