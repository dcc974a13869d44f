"""Policies as tables: what was asked, tried and judged, and what is done next."""

from __future__ import annotations

from typing import Any

import pytest

from foresight.loop import (
    Abstain,
    Accept,
    Best,
    Budget,
    Chain,
    Compare,
    Condition,
    Conform,
    Continue,
    Cost,
    GiveUp,
    JudgedAttempt,
    Refine,
    Reground,
    Renoise,
    Resample,
    Revise,
    Reword,
    Sample,
    Situation,
    Take,
)
from foresight.loop.policies.moves import KINDS, as_record, from_record

NO, YES, UNSURE = (0.1, "reject"), (0.9, "accept"), (0.5, "abstain")


def tried(*judged, instruction="push", move=None):
    return tuple(JudgedAttempt(move or Sample(instruction, 0), instruction, *one) for one in judged)


def situation(attempts=(), *, exhausted=False, hypotheses=(), candidates=3):
    return Situation("push", 4, tuple(hypotheses), candidates, tuple(attempts), exhausted)


AB = tried(NO) + tried(YES, instruction="a") + tried(UNSURE, instruction="b")
HALF_APART = tried((0.75, "abstain")) + tried((0.25, "reject"), instruction="a")
NOISED, CONTINUED = Renoise(0, 0.5, "all", 0), Continue(0, 0)


@pytest.mark.parametrize(
    ("policy", "seen", "step"),
    [
        (Accept(), situation(), None),
        (Accept(), situation(tried(NO, YES)), Take(1)),
        (Accept(), situation(tried(YES, UNSURE)), None),
        (Best(), situation(), None),
        (Best(), situation(tried(NO, YES, UNSURE)), Take(1)),
        (Best(), situation(tried(YES, YES)), Take(0)),
        (Best(), situation(tried((None, None))), None),
        (Abstain(below=0.6), situation(tried(NO, UNSURE)), GiveUp()),
        (Abstain(below=0.5), situation(tried(NO, UNSURE)), None),
        (Abstain(below=0.0), situation(), GiveUp()),
        (Abstain(below=0.0, margin=0.3), situation(AB), None),
        (Abstain(below=0.0, margin=0.5), situation(AB), GiveUp()),
        (Abstain(below=0.75, margin=0.5), situation(HALF_APART), None),
        (Abstain(below=0.75, margin=0.51), situation(HALF_APART), GiveUp()),
        # Attempts with one instruction do not compete.
        (Abstain(below=0.0, margin=0.5), situation(tried(YES, YES)), None),
        (Resample(times=2), situation(), Sample("push", 4)),
        (Resample(times=2, steps=9), situation(tried(NO)), Sample("push", 7, 9)),
        (Resample(times=2), situation(tried(NO, NO)), None),
        (Resample(times=2), situation(tried(NO), exhausted=True), None),
        # Seeds never repeat; only draws are counted.
        (Resample(times=2), situation(tried(NO) + tried(NO, move=NOISED)), Sample("push", 10)),
        (Compare(), situation(hypotheses=("a", "b")), Sample("push", 4)),
        (Compare(), situation(tried(NO), hypotheses=("a", "push", "b")), Sample("a", 4)),
        (Compare(), situation(AB, hypotheses=("a", "b")), None),
        (Compare(), situation(tried(NO), hypotheses=("a", "b"), exhausted=True), None),
        (Refine(0.6, "failed", 2), situation(), None),
        (Refine(0.6, "failed", 2), situation(tried(NO, UNSURE)), Renoise(1, 0.6, "failed", 10)),
        (Refine(0.6, "all", 1), situation(tried(NO) + tried(NO, move=NOISED)), None),
        (Refine(0.6, "all", 1), situation(tried(NO), exhausted=True), None),
        (Revise(times=1), situation(), None),
        (Revise(times=1), situation(tried(NO, UNSURE)), Reword(1, 4)),
        (Revise(times=1), situation(tried(NO) + tried(NO, move=Reword(0, 0))), None),
        (Revise(times=5), situation(AB, hypotheses=("a", "b")), None),
        (Revise(times=5), situation(AB, hypotheses=("a", "b", "c")), Reword(1, 4)),
        (Revise(times=5), situation(tried(NO), exhausted=True), None),
        (Reground(), situation(), None),
        (Reground(), situation(tried(NO)), Continue(0, 4)),
        (Reground(), situation(tried(NO) + tried((None, None), move=CONTINUED)), Take(1)),
        (Reground(), situation(tried(NO), exhausted=True), None),
        (Conform(6), situation(), None),
        (Conform(6), situation(tried(NO, UNSURE)), Condition(1, 10, 6)),
        (Conform(6), situation(tried(NO) + tried(NO, move=Condition(0, 7, 6))), None),
        (Conform(6), situation(tried(NO), exhausted=True), None),
        (Chain([Accept(), Resample(times=1), Best()]), situation(), Sample("push", 4)),
        (Chain([Accept(), Resample(times=1), Best()]), situation(tried(NO)), Take(0)),
        (Chain([Accept(), Resample(times=1)]), situation(tried(NO)), None),
    ],
)
def test_the_next_step(policy: Any, seen: Any, step: Any) -> None:
    """Each row of the table: policy, situation, decision."""
    assert policy.decide(seen) == step


@pytest.mark.parametrize(
    ("attempts", "spent", "exhausted"),
    [
        (0, Cost(), False),
        (2, Cost(9.9, 99), False),
        (3, Cost(0.0, 0), True),
        (1, Cost(10.0, 0), True),
        (1, Cost(0.0, 100), True),
    ],
)
def test_the_first_limit_reached_ends_the_loop(attempts: int, spent: Any, exhausted: bool) -> None:
    """Three attempts, ten seconds, a hundred evaluations; without the last two, only attempts count."""
    assert Budget(3, 10.0, 100).exhausted(attempts, spent) is exhausted
    assert Budget(3).exhausted(attempts, spent) is (attempts == 3)


def test_costs_add_up() -> None:
    """Seconds, evaluations and decodes of all attempts."""
    assert Cost.total([Cost(1.5, 10, 2), Cost(0.5, 3, 1)]) == Cost(2.0, 13, 3)


@pytest.mark.parametrize(
    "made",
    [
        lambda: Budget(0),
        lambda: Budget(1, 0.0),
        lambda: Budget(1, 1.0, 0),
        lambda: Abstain(below=1.5),
        lambda: Abstain(margin=-0.1),
        lambda: Resample(times=0),
        lambda: Revise(times=0),
        lambda: Conform(steps=0),
        lambda: Refine(0.0, "all", 1),
        lambda: Refine(0.5, "some", 1),
        lambda: Refine(0.5, "all", 0),
        lambda: Chain([]),
        lambda: Compare().decide(situation(hypotheses=("push",))),
    ],
)
def test_impossible_numbers_are_refused(made: Any) -> None:
    """Budgets without an attempt, levels outside their range, nothing to compare."""
    with pytest.raises(ValueError, match="expected"):
        made()


@pytest.mark.parametrize(
    "step",
    [Sample("push", 3, 9), NOISED, Reword(1, 2), CONTINUED, Condition(0, 3, 9), Take(0), GiveUp()],
    ids=list(KINDS),
)
def test_steps_survive_being_written(step: Any) -> None:
    """Every kind of step is read as it was written."""
    assert from_record(as_record(step)) == step
