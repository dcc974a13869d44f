"""Trials of correction: clips with a guessed instruction, for policies and for references without a verifier."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from torch import Tensor

from foresight.loop import Actor, Attempt, Budget, Policy, Renoise, Sample, Task, Trace, drive
from foresight.loop.policies.moves import Condition, Continue, Move, Reword
from foresight.physics import DIRECTIONS, Action, PhysicsClip
from foresight.physics.language import instruction
from foresight.physics.tracking import position_error, track

STRIDE = 1000
"""Between the seeds of two repetitions: more than any loop draws."""


@dataclass(frozen=True)
class Criterion:
    """Criterion of a correct prediction: every body lies near its true place in the frames that were not verified.

    Args:
        observed: future frames that the loop may look at; the later ones score it.
        tolerance: pixels, mean over those frames; a body that is not to be seen counts as at the picture's centre.
    """

    observed: int
    tolerance: float

    def is_correct(self, video: Float[Tensor, "rgb=3 frame height width"], clip: PhysicsClip) -> bool:
        """True if a predicted future meets the criterion."""
        unseen = slice(clip.config.context_frames + self.observed, None)
        found = track(video[:, self.observed :], clip.bodies, clip.scene.look).positions
        return bool(position_error(found, clip.positions[unseen]).mean(dim=0).max() <= self.tolerance)


@dataclass(frozen=True)
class PolicyResult:
    """The result of a policy on one clip.

    Args:
        is_correct: true if its answer is correct; giving none is not.
        answered: true if it gave one.
        confidence: in the answer, see `confidence`; None if nothing judged it.
        evaluations: of the transformer, verification and revision included.
        seconds: wall clock.
        decodes: videos decoded.
        attempts: made.
        random_retry: result of the compute-matched random-retry baseline: true if the last of as many random guesses
            as fit into these evaluations is correct.
    """

    is_correct: bool
    answered: bool
    confidence: float | None
    evaluations: int
    seconds: float
    decodes: int
    attempts: int
    random_retry: bool


@dataclass(frozen=True)
class Trial:
    """One clip with one guessed instruction.

    Args:
        before: true if the single guess, unverified, is correct.
        oracle: true if the prediction under the true instruction is, the upper bound of corrections.
        more_steps: true if the single guess is with as many Euler steps as the dearest policy has evaluations.
        policies: result of each policy.
    """

    before: bool
    oracle: bool
    more_steps: bool
    policies: Mapping[str, PolicyResult]


def task_of(clip: PhysicsClip, repetition: int, observed: int) -> Task:
    """The clip as a task under a random instruction among all pushes of its bodies, and none; the true one is hidden.

    The other hypotheses follow in random order.
    """
    actions: list[Action | None] = [None]
    actions += [Action(body, direction) for body in range(len(clip.bodies)) for direction in DIRECTIONS]
    order = np.random.default_rng([clip.seed, repetition]).permutation(len(actions))
    guesses = [instruction(actions[index], clip.bodies) for index in order]
    start = clip.config.context_frames
    return Task(
        context=clip.tensor[:, :start],
        observed=clip.tensor[:, start : start + observed],
        horizon=clip.config.frames - start,
        instruction=guesses[0],
        seed=repetition * STRIDE,
        hypotheses=tuple(guesses[1:]),
    )


@dataclass
class CachedActor:
    """An actor that makes every attempt of a task once, whichever policies ask for it, at the cost of that time.

    Args:
        actor: makes attempts.
    """

    actor: Actor
    _known: dict[tuple[object, ...], Attempt] = field(default_factory=dict)

    @property
    def candidates(self) -> int:
        """Candidates per attempt."""
        return self.actor.candidates

    def carry_out(self, move: Move, earlier: Sequence[Attempt]) -> Attempt:
        """The attempt that was made, or a new one."""
        key = _key(move, earlier)
        if key not in self._known:
            self._known[key] = self.actor.carry_out(move, earlier)
        return self._known[key]


def run_trial(
    clip: PhysicsClip,
    task: Task,
    actor: Actor,
    policies: Mapping[str, tuple[Policy, Budget]],
    criterion: Criterion,
    *,
    steps: int,
    draw_evaluations: int,
) -> Trial:
    """Let every policy try a task, and score its answer.

    Args:
        clip: the truth.
        task: of the clip.
        actor: makes attempts.
        policies: with their budgets.
        criterion: of a correct prediction.
        steps: Euler steps of an ordinary draw.
        draw_evaluations: transformer evaluations of an ordinary draw, all candidates.
    """
    actor = CachedActor(actor)

    def drawn(text: str, euler_steps: int | None = None) -> bool:
        return criterion.is_correct(actor.carry_out(Sample(text, task.seed, euler_steps), ()).shown, clip)

    guesses = (task.instruction, *task.hypotheses)
    results, most = {}, 1
    for name, (policy, budget) in policies.items():
        trace = drive(policy, budget, task, actor)
        draws = max(1, round(trace.spent.evaluations / draw_evaluations))
        most = max(most, draws)
        retry = drawn(guesses[min(draws, len(guesses)) - 1])
        results[name] = _result(trace, clip, criterion, random_retry=retry)
    return Trial(
        before=drawn(task.instruction),
        oracle=drawn(clip.instruction),
        more_steps=drawn(task.instruction, steps * most),
        policies=results,
    )


def confidence(trace: Trace) -> float | None:
    """Log-odds that the taken attempt comes true.

    A verifier that cannot say that knows only how well what was seen agrees with each instruction. Attempts with
    different ones are then hypotheses that exclude each other, and what one wins the others lose: minus the log of the
    summed odds of the best attempts with other instructions.
    """
    taken = trace.accepted
    if taken is None or taken.verdict is None:
        return None
    if taken.verdict.prediction_correct is not None:
        return log_odds(taken.verdict.prediction_correct)
    others: dict[str, float] = {}
    for attempt in trace.attempts:
        if attempt.instruction != taken.instruction and attempt.verdict is not None:
            odds = math.exp(log_odds(attempt.verdict.probability))
            others[attempt.instruction] = max(others.get(attempt.instruction, 0.0), odds)
    own = log_odds(taken.verdict.probability)
    return own - math.log(sum(others.values())) if others else own


def log_odds(probability: float) -> float:
    """log(p / (1 − p)), for probabilities kept 1e-9 away from 0 and 1."""
    kept = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(kept / (1 - kept))


def _result(trace: Trace, clip: PhysicsClip, criterion: Criterion, *, random_retry: bool) -> PolicyResult:
    taken = trace.accepted
    return PolicyResult(
        is_correct=taken is not None and criterion.is_correct(taken.shown, clip),
        answered=taken is not None,
        confidence=confidence(trace),
        evaluations=trace.spent.evaluations,
        seconds=trace.spent.seconds,
        decodes=trace.spent.decodes,
        attempts=len(trace.attempts),
        random_retry=random_retry,
    )


def _key(move: Move, earlier: Sequence[Attempt]) -> tuple[object, ...]:
    """Key of an attempt: its move, and of the earlier attempts those that the move looks at."""
    match move:
        case Sample():
            return (move,)
        case Reword():
            return (type(move), move.seed, id(earlier[move.attempt]), tuple(sorted({a.instruction for a in earlier})))
        case Renoise():
            return (type(move), move.seed, move.noise_level, move.part, id(earlier[move.attempt]))
        case Continue():
            return (type(move), move.seed, earlier[move.attempt].instruction)
        case Condition():
            return (type(move), move.seed, move.steps, earlier[move.attempt].instruction)


MakesActor = Callable[[Task], Actor]
