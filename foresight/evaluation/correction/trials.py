"""Trials of correction: clips whose instruction was guessed, tried by policies and by what needs no verifier."""

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
    """When a prediction is right: every body lies near its true place in the frames that nobody has verified.

    Args:
        observed: future frames that the loop may look at; the later ones score it.
        tolerance: pixels, mean over those frames; a body that is not to be seen counts as at the picture's centre.
    """

    observed: int
    tolerance: float

    def right(self, video: Float[Tensor, "rgb=3 frame height width"], clip: PhysicsClip) -> bool:
        """Whether a predicted future is right."""
        unseen = slice(clip.config.context_frames + self.observed, None)
        found = track(video[:, self.observed :], clip.bodies, clip.scene.look).positions
        return bool(position_error(found, clip.positions[unseen]).mean(dim=0).max() <= self.tolerance)


@dataclass(frozen=True)
class Tried:
    """What a policy made of one clip.

    Args:
        right: whether its answer is right; not giving one is not right.
        answered: whether it gave one.
        confidence: in the answer, see `confidence`; None if nothing judged it.
        evaluations: of the transformer, verification and revision included.
        seconds: wall clock.
        decodes: videos decoded.
        attempts: made.
        retry: whether the last of as many random guesses as fit into these evaluations is right.
    """

    right: bool
    answered: bool
    confidence: float | None
    evaluations: int
    seconds: float
    decodes: int
    attempts: int
    retry: bool


@dataclass(frozen=True)
class Trial:
    """One clip with one guessed instruction.

    Args:
        before: whether the single guess, unverified, is right.
        told: whether the prediction under the true instruction is right: what corrections can reach.
        more_steps: whether the single guess is right with as many Euler steps as the dearest policy has evaluations.
        policies: what each policy made of it.
    """

    before: bool
    told: bool
    more_steps: bool
    policies: Mapping[str, Tried]


def task_of(clip: PhysicsClip, repetition: int, observed: int) -> Task:
    """The clip as a task: what was done is hidden; a random guess among all pushes of its bodies, and none, is told.

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
class Remembering:
    """Makes every attempt of a task once, whichever policies ask for it; its cost is what it took that time.

    Args:
        actor: makes attempts.
    """

    actor: Actor
    _known: dict[tuple[object, ...], Attempt] = field(default_factory=dict)

    @property
    def candidates(self) -> int:
        """Per attempt."""
        return self.actor.candidates

    def carry_out(self, move: Move, earlier: Sequence[Attempt]) -> Attempt:
        """A remembered attempt, or a new one."""
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
    """Let every policy try a task, and score what it takes.

    Args:
        clip: the truth.
        task: of the clip.
        actor: makes attempts.
        policies: with their budgets.
        criterion: when a prediction is right.
        steps: Euler steps of an ordinary draw.
        draw_evaluations: transformer evaluations of an ordinary draw, all candidates.
    """
    actor = Remembering(actor)

    def drawn(text: str, euler_steps: int | None = None) -> bool:
        return criterion.right(actor.carry_out(Sample(text, task.seed, euler_steps), ()).shown, clip)

    guesses = (task.instruction, *task.hypotheses)
    tried, most = {}, 1
    for name, (policy, budget) in policies.items():
        trace = drive(policy, budget, task, actor)
        draws = max(1, round(trace.spent.evaluations / draw_evaluations))
        most = max(most, draws)
        retry = drawn(guesses[min(draws, len(guesses)) - 1])
        tried[name] = _tried(trace, clip, criterion, retry=retry)
    return Trial(
        before=drawn(task.instruction),
        told=drawn(clip.instruction),
        more_steps=drawn(task.instruction, steps * most),
        policies=tried,
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
    if taken.verdict.hit is not None:
        return log_odds(taken.verdict.hit)
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


def _tried(trace: Trace, clip: PhysicsClip, criterion: Criterion, *, retry: bool) -> Tried:
    taken = trace.accepted
    return Tried(
        right=taken is not None and criterion.right(taken.shown, clip),
        answered=taken is not None,
        confidence=confidence(trace),
        evaluations=trace.spent.evaluations,
        seconds=trace.spent.seconds,
        decodes=trace.spent.decodes,
        attempts=len(trace.attempts),
        retry=retry,
    )


def _key(move: Move, earlier: Sequence[Attempt]) -> tuple[object, ...]:
    """What an attempt depends on: its move, and of the earlier attempts those that the move looks at."""
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


Forming = Callable[[Task], Actor]
