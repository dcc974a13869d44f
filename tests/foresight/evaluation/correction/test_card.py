"""The correction card over a world made by hand, where every instruction leads to a known place."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from foresight.errors import UserError
from foresight.evaluation.correction.card import CorrectionCard, evaluate_correction
from foresight.evaluation.correction.trials import (
    CachedActor,
    Criterion,
    PolicyResult,
    Trial,
    confidence,
    log_odds,
    run_trial,
    task_of,
)
from foresight.loop import Attempt, Best, Budget, Chain, Compare, Cost, Resample, Sample, Take, Trace
from foresight.physics import PhysicsConfig, make_clip
from foresight.verify.verdict import Verdict

CRITERION = Criterion(observed=8, tolerance=6.5)
SEED = 30_000_000


@pytest.fixture(scope="module")
def pushed():
    """A clip of one body, pushed to the left: wrong instructions end elsewhere."""
    config = PhysicsConfig(bodies=(1,), body_weights=(1.0,), push_probability=1.0)
    return next(clip for seed in range(SEED, SEED + 50) if "left" in (clip := make_clip(seed, config)).instruction)


class Oracle:
    """Predicts the truth under the true instruction and a standstill under others; knows how right it is.

    Args:
        clip: the truth.
        blind: says 0.5 of everything instead.
    """

    candidates = 1

    def __init__(self, clip, *, blind=False):
        self.clip, self.blind, self.made = clip, blind, []

    def carry_out(self, move, earlier):
        self.made.append(move)
        right = move.instruction == self.clip.instruction
        start = self.clip.config.context_frames
        future = self.clip.tensor[:, start:]
        video = future if right else self.clip.tensor[:, start - 1 : start].expand_as(future)
        probability = 0.5 if self.blind else 0.9 if right else 0.2
        return Attempt(
            move=move,
            instruction=move.instruction,
            seed=move.seed,
            noise_level=1.0,
            video=video[None],
            latents=torch.zeros(1, 1, 2, 2, 2),
            refined=None,
            chosen=0,
            verdict=Verdict(probability, "abstain", {}),
            cost=Cost(2.0, 10 * (move.steps or 1), 1),
        )


def test_a_task_hides_what_was_done(pushed: Any) -> None:
    """The guess and the other hypotheses are all pushes of the bodies and none, each once; repetitions differ."""
    tasks = [task_of(pushed, repetition, 8) for repetition in range(6)]
    for task in tasks:
        everything = [task.instruction, *task.hypotheses]
        assert len(everything) == len(set(everything)) == 5 and pushed.instruction in everything
        assert task.context.shape[1] == 9 and task.observed.shape[1] == 8 and task.horizon == 16
        assert torch.equal(task.observed, pushed.tensor[:, 9:17])
    assert len({task.instruction for task in tasks}) > 1 and len({task.seed for task in tasks}) == 6
    assert task_of(pushed, 2, 8).hypotheses == tasks[2].hypotheses


def test_right_is_near_the_true_place_in_unseen_frames(pushed: Any) -> None:
    """The truth is right, a standstill is not; an error in frames that were seen does not count."""
    future = pushed.tensor[:, 9:]
    still = pushed.tensor[:, 8:9].expand_as(future)
    assert CRITERION.is_correct(future, pushed) and not CRITERION.is_correct(still, pushed)
    assert CRITERION.is_correct(torch.cat([still[:, :8], future[:, 8:]], dim=1), pushed)
    assert not CRITERION.is_correct(torch.cat([future[:, :8], still[:, 8:]], dim=1), pushed)
    assert Criterion(8, 64.0).is_correct(still, pushed)


def test_an_attempt_is_made_once(pushed: Any) -> None:
    """What one policy has drawn is not drawn again for another, unless seed, words or steps differ."""
    oracle = Oracle(pushed)
    actor = CachedActor(oracle)
    first = actor.carry_out(Sample("a", 0), ())
    assert actor.carry_out(Sample("a", 0), (first,)) is first
    actor.carry_out(Sample("a", 1), ())
    actor.carry_out(Sample("a", 0, 9), ())
    actor.carry_out(Sample("b", 0), ())
    assert len(oracle.made) == 4


def trial_of(clip, oracle, repetition):
    task = task_of(clip, repetition, 8)
    policies = {
        "compare": (Chain([Compare(), Best()]), Budget(attempts=9)),
        "once": (Chain([Resample(times=1), Best()]), Budget(attempts=9)),
    }
    return task, run_trial(clip, task, oracle, policies, CRITERION, steps=1, draw_evaluations=10)


def test_a_trial_by_hand(pushed: Any) -> None:
    """Comparing five hypotheses is right and costs five draws; retry's fifth guess and 5-fold steps cost the same."""
    oracle = Oracle(pushed)
    task, trial = trial_of(pushed, oracle, 1)
    assert trial.oracle and trial.before == (task.instruction == pushed.instruction)
    compared, once = trial.policies["compare"], trial.policies["once"]
    assert compared.is_correct and compared.answered
    assert (compared.attempts, compared.evaluations, compared.seconds, compared.decodes) == (5, 50, 10.0, 5)
    assert compared.random_retry == (task.hypotheses[-1] == pushed.instruction)
    assert compared.confidence == pytest.approx(log_odds(0.9) - np.log(4 * 0.25))
    assert once.is_correct == once.random_retry == trial.before and once.confidence == pytest.approx(
        log_odds(0.9 if trial.before else 0.2)
    )
    # Five hypotheses, and the guess with five times as many steps: nothing is made twice.
    assert len(oracle.made) == 6 and Sample(task.instruction, task.seed, 5) in oracle.made


def test_a_policy_that_gives_up_is_not_right(pushed: Any) -> None:
    """No answer: neither right nor answered, and no confidence."""
    task = task_of(pushed, 0, 8)
    policies = {"silent": (Chain([Resample(times=1)]), Budget(attempts=1))}
    tried = run_trial(pushed, task, Oracle(pushed), policies, CRITERION, steps=1, draw_evaluations=10).policies[
        "silent"
    ]
    assert not tried.is_correct and not tried.answered and tried.confidence is None and tried.evaluations == 10


def test_confidence_counts_other_instructions_only() -> None:
    """Two draws of one instruction do not compete; the best of each other instruction does."""

    def attempt(text, probability):
        return SimpleNamespace(instruction=text, verdict=Verdict(probability, "abstain", {}))

    attempts = (attempt("a", 0.8), attempt("a", 0.7), attempt("b", 0.5), attempt("b", 0.2))
    trace = Trace(None, attempts, Take(0), Cost())
    assert confidence(trace) == pytest.approx(np.log(4.0) - np.log(1.0))
    assert confidence(Trace(None, attempts[:2], Take(0), Cost())) == pytest.approx(np.log(4.0))


def test_confidence_is_that_of_a_hit_where_a_verifier_knows_it() -> None:
    """It holds for the prediction itself, whatever else was tried: one in five of this one."""

    def attempt(text, probability, hit):
        return SimpleNamespace(instruction=text, verdict=Verdict(probability, "abstain", {}, 8, hit))

    trace = Trace(None, (attempt("a", 0.9, 0.2), attempt("b", 0.8, 0.1)), Take(0), Cost())
    assert confidence(trace) == pytest.approx(np.log(0.25))


def card(*rows):
    """A card of one policy: rows of (before, after, retry, confidence) per trial, one clip each."""
    return CorrectionCard(
        [
            [
                Trial(
                    before=before,
                    oracle=True,
                    more_steps=before,
                    policies={"p": PolicyResult(after, True, sure, 30, 3.0, 9, 3, retry)},
                )
            ]
            for before, after, retry, sure in rows
        ]
    )


def test_corrections_and_regressions_by_hand() -> None:
    """Of four wrong ones three are corrected, of two right ones one is lost; retry corrects one and loses one."""
    figures = card(
        (False, True, True, 4.0),
        (False, True, False, 3.0),
        (False, True, False, 2.0),
        (False, False, False, 1.0),
        (True, True, True, 5.0),
        (True, False, False, 0.0),
    ).figures()
    expected = {
        "accuracy of the single guess": 2 / 6,
        "p: decodes": 9,
        "accuracy with more steps": 2 / 6,
        "accuracy under the true instruction": 1.0,
        "p: accuracy": 4 / 6,
        "p: above the single guess": 2 / 6,
        "p: above random retry": 2 / 6,
        "p: corrections": 3 / 4,
        "p: corrections by random retry": 1 / 4,
        "p: regressions": 1 / 2,
        "p: evaluations per right answer": 45.0,
        "p: seconds per right answer": 4.5,
        "p: accuracy at 50% coverage": 1.0,
        "p: accuracy at 75% coverage": 1.0,
        "p: accuracy at 100% coverage": 4 / 6,
    }
    for name, value in expected.items():
        assert figures[name].value == pytest.approx(value), name
        assert figures[name].low <= figures[name].value <= figures[name].high


def test_promises_by_hand() -> None:
    """A policy right in half of all trials where luck never is, and surely where it is sure; one that is never sure."""
    rows = [(False, True, False, 4.0), (False, True, False, 3.0), (False, False, False, 2.0), (False, False, False, 1)]
    assert [(gate.found.value, gate.holds) for gate in card(*rows).gates(["p"])] == [(0.5, True), (1.0, True)]
    lucky = [(before, after, True, 5 - sure) for before, after, _, sure in rows]
    assert [(gate.found.value, gate.holds) for gate in card(*lucky).gates(["p"])] == [(-0.5, False), (0.0, False)]
    unsure = [(before, after, retry, None) for before, after, retry, _ in rows]
    assert [gate.holds for gate in card(*unsure).gates(["p"])] == [True, False]
    assert card(*rows).gates([]) == []


def test_intervals_resample_clips_not_repetitions() -> None:
    """Ten repetitions of one clip say as much as one: the interval of two clips reaches from one to the other."""
    one, other = card((False, True, False, 1.0)).trials[0][0], card((False, False, False, 0.0)).trials[0][0]
    figure = CorrectionCard([[one] * 10, [other] * 10]).figures()["p: accuracy"]
    assert (figure.value, figure.low, figure.high, figure.clips) == (0.5, 0.0, 1.0, 2)


def test_a_blind_verifier_turns_the_gate_red(pushed: Any) -> None:
    """A verifier that sees the truth gains at least 20 points over retry by comparing; a blind one does not."""
    clips = [make_clip(SEED + index) for index in range(6)]

    def gain(blind):
        by_context = {}
        for clip in clips:
            by_context[clip.tensor[:, :9].sum().item()] = clip
        measured = evaluate_correction(
            lambda task: Oracle(by_context[task.context.sum().item()], blind=blind),
            {"compare": (Chain([Compare(), Best()]), Budget(attempts=13))},
            clips,
            seeds=3,
            criterion=CRITERION,
            steps=1,
            draw_evaluations=10,
        )
        assert all(table for table in measured.tables().values())
        gate = measured.gates(["compare"])[0]
        assert gate.found == measured.figures()["compare: above random retry"]
        return gate

    assert gain(blind=False).holds and gain(blind=False).found.low >= 0.2
    assert not gain(blind=True).holds


def test_three_seeds_at_least(pushed: Any) -> None:
    """One lucky guess is no benchmark."""
    with pytest.raises(UserError, match="3 seeds"):
        evaluate_correction(Oracle, {}, [pushed], seeds=2, criterion=CRITERION, steps=1, draw_evaluations=1)
