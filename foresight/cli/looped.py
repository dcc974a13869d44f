"""`foresight predict policy=…`: predict, verify on the first frames that were observed, and correct."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from foresight.cli.scoring import score
from foresight.errors import UserError
from foresight.loop import Attempt, Budget, Policy, PredictVerifyLoop, Take, Task, Trace
from foresight.loop.revisers import Reviser
from foresight.metrics.baselines import copy_last_frame
from foresight.report.prediction import LoopReport
from foresight.verify import Verifier
from foresight.video.clips import Clip
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel


@dataclass(frozen=True)
class Correction:
    """Correction of a prediction by the first frames that were observed.

    Args:
        policy: decides what to do next; None predicts once and verifies with all observed frames.
        budget: of the policy.
        reviser: rewords the instruction, if the policy asks for it.
        hypotheses: other instructions that may be the right one, for policies that compare or revise.
        observe: frames after the context that the policy may look at; the others score what it takes.
    """

    policy: Policy | None
    budget: Budget
    reviser: Reviser | None
    hypotheses: Sequence[str]
    observe: int


def run_loop(
    model: WorldModel,
    verifier: Verifier | None,
    clip: Clip,
    instruction: str,
    sampling: Sampling,
    correction: Correction,
) -> Trace:
    """Run a loop over a clip of a file; see `foresight.cli.predict.predict`.

    Raises:
        UserError: if there is no verifier, nothing was observed, or the candidates are not what it was fitted for.
    """
    if verifier is None or clip.observed is None or correction.policy is None:
        raise UserError(
            expected="a verifier and frames after the context, for a policy that corrects predictions",
            got="no verifier" if verifier is None else "a file that ends with the context",
            remedy="choose policy=none",
        )
    if sampling.candidates != verifier.fitted_on.candidates:
        raise UserError(
            expected=f"candidates={verifier.fitted_on.candidates}, as the verifier was fitted on",
            got=str(sampling.candidates),
            remedy="give as many, or fit a verifier with `foresight fit-verifier`",
        )
    observe = correction.observe
    if observe < 1:
        raise UserError(expected="observe= at least 1 frame", got=str(observe), remedy="give observe= such a number")
    loop = PredictVerifyLoop(
        model, verifier, correction.policy, correction.budget, sampling.noise_level, correction.reviser
    )
    task = Task(
        context=clip.lengths.fit_context(clip.context),
        observed=clip.observed[:, :observe],
        horizon=clip.lengths.horizon,
        instruction=instruction,
        seed=sampling.seed,
        hypotheses=tuple(correction.hypotheses),
    )
    return loop.run(task)


def shown_attempt(trace: Trace) -> Attempt:
    """The attempt that was taken; where the loop gave up, the most probable, for people to see what was not believed.

    Raises:
        UserError: if no attempt was made.
    """
    if not trace.attempts:
        raise UserError(expected="a policy that makes an attempt", got="one that gave up at once", remedy="add one")
    return trace.accepted or max(trace.attempts, key=lambda a: 0.0 if a.verdict is None else a.verdict.confidence)


def loop_report(trace: Trace, clip: Clip) -> LoopReport:
    """The trace, and scores of its first and its taken attempt on frames that nobody had seen."""
    unseen: list[dict[str, str]] = []
    seen = trace.task.observed.shape[1]
    assert clip.observed is not None
    happened = clip.observed[:, seen : trace.task.horizon]
    if happened.shape[1]:
        copy = copy_last_frame(torch.cat([clip.context, trace.task.observed], dim=1)[None], happened.shape[1])[0]
        rows = {
            "first attempt": trace.attempts[0].shown[:, seen:],
            "shown attempt": shown_attempt(trace).shown[:, seen:],
            "copy of the last frame seen": copy,
        }
        unseen = [score(name, video, happened).row() for name, video in rows.items()]
    return LoopReport(trace.record(), decision(trace), unseen)


def decision(trace: Trace) -> str:
    """Outcome of a loop, in words."""
    if isinstance(trace.outcome, Take):
        return f"attempt {trace.outcome.attempt + 1} of {len(trace.attempts)} taken"
    return f"gave up after {len(trace.attempts)} attempts"
