"""Policies as tables: what was tried and judged, and what is done next."""

from __future__ import annotations

import pytest

from foresight.loop import Budget, Compare, Judged, Once, Resample, Spent, Step


def judged(*rows):
    return [Judged("push", seed, probability, decision) for seed, probability, decision in rows]


NO, YES, UNSURE = (0, 0.1, "reject"), (0, 0.9, "accept"), (0, 0.5, "abstain")


@pytest.mark.parametrize(
    ("policy", "tried", "exhausted", "step"),
    [
        (Once("push", 4), [], False, Step("try", instruction="push", seed=4)),
        (Once("push", 4), [YES], True, Step("accept", attempt=0)),
        (Once("push", 4), [NO], False, Step("abstain")),
        (Once("push", 4), [UNSURE], False, Step("abstain")),
        (Resample("push", 4, 3), [], False, Step("try", instruction="push", seed=4)),
        (Resample("push", 4, 3), [NO, UNSURE], False, Step("try", instruction="push", seed=10)),
        (Resample("push", 4, 3), [NO, YES], True, Step("accept", attempt=1)),
        (Resample("push", 4, 3), [NO, NO], True, Step("abstain")),
        (Compare(("a", "b", "c"), 7, 0.2), [], False, Step("try", instruction="a", seed=7)),
        (Compare(("a", "b", "c"), 7, 0.2), [NO, YES], False, Step("try", instruction="c", seed=7)),
        (Compare(("a", "b", "c"), 7, 0.2), [NO, YES, UNSURE], False, Step("accept", attempt=1)),
        (Compare(("a", "b", "c"), 7, 0.5), [NO, YES, UNSURE], False, Step("abstain")),
        (Compare(("a", "b", "c"), 7, 0.2), [NO, YES], True, Step("accept", attempt=1)),
        (Compare(("a", "b", "c"), 7, 0.2), [], True, Step("abstain")),
    ],
)
def test_the_next_step(policy, tried, exhausted, step):
    """Each row of the table: policy, attempts so far, budget spent, decision."""
    assert policy.decide(judged(*tried), exhausted) == step


@pytest.mark.parametrize(
    ("spent", "exhausted"),
    [
        (Spent(), False),
        (Spent(2, 9.9, 99), False),
        (Spent(3, 0.0, 0), True),
        (Spent(1, 10.0, 0), True),
        (Spent(1, 0.0, 100), True),
    ],
)
def test_the_first_limit_reached_ends_the_loop(spent, exhausted):
    """Three attempts, ten seconds, a hundred evaluations."""
    assert spent.exhausts(Budget(3, 10.0, 100)) is exhausted


def test_impossible_budgets_and_hypotheses_are_refused():
    """No attempt, no time, one hypothesis, the same twice, a margin of 1."""
    for arguments in ((0,), (1, 0.0), (1, 1.0, 0)):
        with pytest.raises(ValueError, match="budget"):
            Budget(*arguments)
    for hypotheses, margin in ((("a",), 0.1), (("a", "a"), 0.1), (("a", "b"), 1.0)):
        with pytest.raises(ValueError, match="expected"):
            Compare(hypotheses, 0, margin)
