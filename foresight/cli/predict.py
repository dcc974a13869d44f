"""`foresight predict`: predict the future of a video, and judge it against what happened."""

from __future__ import annotations

from dataclasses import asdict, replace
from time import perf_counter

from torch import Tensor

from foresight.cli.console import say_placement
from foresight.cli.judging import judge, plausibilities, reason_unjudged
from foresight.cli.looped import Correction, decision, loop_report, run_loop, shown_attempt
from foresight.cli.page import LOOP, draw_page
from foresight.cli.prediction_films import loop_figure, others
from foresight.cli.prediction_output import show, write
from foresight.cli.prediction_record import (
    WITHIN,
    abstention,
    adapter_in_force,
    candidate_reports,
    described,
    verdict_report,
)
from foresight.cli.scoring import score_all
from foresight.loop import Attempt, Trace
from foresight.report.prediction import PredictionReport
from foresight.runs.output import RunOutput
from foresight.verify import Verdict, Verifier
from foresight.video.clips import Clip
from foresight.video.window import ClipWindow
from foresight.world.domain import DomainCheck, check_domain
from foresight.world.prediction import Prediction
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel


def predict(
    *,
    model: WorldModel,
    verifier: Verifier | None,
    instruction: str,
    window: ClipWindow,
    sampling: Sampling,
    correction: Correction,
    output: RunOutput,
) -> Prediction | Trace:
    """Predict the future of a clip, compare it with what the file shows next, and write a run directory.

    Args:
        model: the world model.
        verifier: judges the prediction and ranks candidates; None does without.
        instruction: what is done.
        window: of the video that is observed and predicted.
        sampling: of the candidates; the model's estimate from them is shown.
        correction: of the prediction by a policy.
        output: run directory to write.

    Raises:
        MediaError: if the file cannot be read.
        UserError: if a value is out of its range.
    """
    say_placement(model.placement)
    if verifier is not None:
        verifier.check_model(model)
    with output.directory() as folder:
        began = perf_counter()
        clip = window.read(model.sampling_config.frame_rate)
        reading = perf_counter() - began
        result: Prediction | Trace
        if correction.policy is None:
            result, shown, report = _once(model, verifier, clip, instruction, sampling)
        else:
            result = run_loop(model, verifier, clip, instruction, sampling, correction)
            result.save(folder / ".")
            shown, report = _of_loop(model, verifier, clip, result)
        facts = {
            "video": str(window.video),
            **described(output.config),
            "candidates": str(sampling.candidates),
            "seed": str(sampling.seed),
            **report.facts,
        }
        report = replace(report, seconds={"reading": reading, **report.seconds}, facts=facts)
        write(folder, clip, {"predicted": shown, **others(result)}, report, output)
        if isinstance(result, Trace):
            loop_figure(result, clip).save(folder / LOOP)
        draw_page(folder / ".", report, folder / "report.html")
        show(report, clip, folder)
    return result


def _once(
    model: WorldModel, verifier: Verifier | None, clip: Clip, instruction: str, sampling: Sampling
) -> tuple[Prediction, Tensor, PredictionReport]:
    """One prediction, the video shown of it, and its report."""
    context = clip.lengths.fit_context(clip.context)
    prediction = model.predict_batch(context[None], [instruction], clip.lengths.horizon, sampling)[0]
    began = perf_counter()
    domain = check_domain(model, prediction.context)
    unjudged = reason_unjudged(verifier, sampling.candidates, clip.observed)
    judged_by = None if domain.state == "out" or unjudged else verifier
    plausibility = [] if domain.state == "out" else plausibilities(model, verifier, prediction)
    verdict = judge(model, judged_by, prediction, clip.observed)
    shown = model.shown(prediction).cpu()
    report = _report(model, verifier, clip, prediction, shown, verdict, domain)
    report = replace(
        report,
        notes=[*report.notes, *([unjudged] if unjudged else [])],
        candidates=candidate_reports(model, prediction, plausibility),
        seconds={**asdict(prediction.seconds), "judging": perf_counter() - began},
        facts={**report.facts, "steps": str(prediction.steps), "adapter": adapter_in_force(model, prediction)},
    )
    return prediction, shown, report


def _of_loop(model: WorldModel, verifier: Verifier | None, clip: Clip, trace: Trace) -> tuple[Tensor, PredictionReport]:
    """The video shown of a loop, and its report."""
    attempt = shown_attempt(trace)
    domain = check_domain(model, trace.task.context)
    report = _report(model, verifier, clip, attempt, attempt.shown, attempt.verdict, domain)
    report = replace(
        report,
        seconds={"attempts": trace.spent.seconds},
        facts={**report.facts, "outcome": decision(trace), "transformer evaluations": str(trace.spent.evaluations)},
        loop=loop_report(trace, clip),
    )
    return attempt.shown, report


def _report(
    model: WorldModel,
    verifier: Verifier | None,
    clip: Clip,
    made: Prediction | Attempt,
    shown: Tensor,
    verdict: Verdict | None,
    domain: DomainCheck,
) -> PredictionReport:
    """Scores and verdict: abstention outside the model's domain, a word of warning near its edge."""
    said = None if verdict is None or verifier is None else verdict_report(verdict, verifier)
    near = [domain.sentence] if domain.state == "near" else []
    scores = [] if clip.observed is None else score_all(model, clip, shown, clip.observed)
    return PredictionReport(
        instruction=made.instruction,
        frame_rate=clip.frame_rate,
        scores={score.name: score.report() for score in scores},
        verdict=abstention(domain) if domain.state == "out" else said,
        notes=[*clip.policy, *near],
        reconstruction_psnr=domain.psnr,
        noise_level=made.noise_level,
        seconds={},
        facts={"domain": f"{WITHIN[domain.state]}: the model's VAE draws the context at {domain.psnr:.1f} dB"},
        given=clip.context.shape[1],
        imagined=shown.shape[1],
    )
