"""`foresight predict`: imagine what comes next in a video, and judge it against what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from torch import Tensor

from foresight.cli.console import say_placement
from foresight.cli.looped import decision, loop_record, run_loop, shown_attempt
from foresight.cli.prediction_output import show, write
from foresight.cli.prediction_record import abstention, adapter_in_force, candidate_records, verdict_record
from foresight.cli.scoring import score_all
from foresight.loop import Budget, Policy, Trace
from foresight.loop.revisers import Reviser
from foresight.runs.directory import RunDirectory
from foresight.verify import Verdict, Verifier
from foresight.video.clips import Clip, load_clip
from foresight.world.domain import DomainCheck, check_domain
from foresight.world.prediction import Prediction
from foresight.world.sampling import NoiseLevel
from foresight.world.world_model import WorldModel
from ltx.media.streams import StreamChoice

RANKED = 3
"""Fewest candidates that can judge each other."""


def predict(
    *,
    model: WorldModel,
    verifier: Verifier | None,
    video: str | Path,
    instruction: str,
    size: Sequence[int],
    context: int | str,
    horizon: int | str,
    start: float,
    stream: StreamChoice,
    candidates: int,
    noise_level: NoiseLevel,
    seed: int,
    steps: int | None,
    policy: Policy | None,
    budget: Budget,
    reviser: Reviser | None,
    hypotheses: Sequence[str],
    observe: int,
    run: str | Path,
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
        stream: which of the file's videos, see `ltx.media.sample_video`.
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
    say_placement(model.placement)
    if verifier is not None:
        verifier.check_model(model)
    with RunDirectory(run, replace=replace) as folder:
        began = perf_counter()
        clip = load_clip(
            video,
            frame_rate=model.plan.frame_rate,
            size=size,
            context=context,
            horizon=horizon,
            start=start,
            stream=stream,
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
        record["facts"] = {"video": str(video), "candidates": str(candidates), **record["facts"]}
        write(folder, clip, shown, record, config)
        show(record, clip, folder)
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
    domain = check_domain(model, prediction.context)
    unjudged = _unjudged(verifier, candidates, clip.observed)
    judge = None if domain.state == "out" or unjudged else verifier
    plausibility = [] if domain.state == "out" else _rank(model, verifier, prediction)
    verdict = _judge(model, judge, prediction, clip.observed)
    shown = model.shown(prediction).cpu()
    record = _record(model, verifier, clip, instruction, shown, verdict)
    _mind_domain(record, domain)
    record["policy"] += [unjudged] if unjudged else []
    record["candidates"] = candidate_records(model, prediction, plausibility)
    record["noise_level"] = prediction.noise_level
    record["seconds"] = {**seconds, "judging": perf_counter() - began}
    record["facts"] = {"steps": str(prediction.steps), "adapter": adapter_in_force(model, prediction)}
    return prediction, shown, record


def _of_loop(model: WorldModel, verifier: Verifier | None, clip: Clip, trace: Trace) -> tuple[Tensor, dict[str, Any]]:
    """What is shown of a loop, and its record."""
    attempt = shown_attempt(trace)
    record = _record(model, verifier, clip, attempt.instruction, attempt.shown, attempt.verdict)
    _mind_domain(record, check_domain(model, trace.task.context))
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
        "verdict": None if verdict is None or verifier is None else verdict_record(verdict, verifier),
        "policy": list(clip.policy),
    }


def _mind_domain(record: dict[str, Any], domain: DomainCheck) -> None:
    """Abstain outside the model's domain, and give a word of warning near its edge."""
    record["reconstruction_psnr"] = domain.psnr
    if domain.state == "out":
        record["verdict"] = abstention(domain)
    elif domain.sentence:
        record["policy"].append(domain.sentence)


def _unjudged(verifier: Verifier | None, candidates: int, observed: Tensor | None) -> str:
    """Why a verifier cannot judge what was observed; empty if it can, or if there is none or nothing."""
    if verifier is None or observed is None:
        return ""
    if candidates != verifier.fitted_on.candidates:
        wanted = verifier.fitted_on.candidates
        return f"no verdict: the verifier was fitted for candidates={wanted}, not {candidates}"
    if observed.shape[1] < verifier.least_frames:
        return f"no verdict: {observed.shape[1]} later frames, and the verifier needs {verifier.least_frames} to judge"
    return ""


def _rank(model: WorldModel, verifier: Verifier | None, prediction: Prediction) -> list[float]:
    """Plausibility of each candidate; empty where nothing can rank them."""
    if verifier is None or not verifier.plausibilities or len(prediction) < RANKED:
        return []
    return verifier.rank(model, prediction).tolist()


def _judge(
    model: WorldModel, verifier: Verifier | None, prediction: Prediction, observed: Tensor | None
) -> Verdict | None:
    if verifier is None or observed is None:
        return None
    return verifier.verify(model, [prediction], observed[None].to(model.device))[0]
