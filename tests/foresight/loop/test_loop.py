"""Loops over a world and a verifier made by hand: which attempts happen, what they cost, when it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from foresight.errors import UserError
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
    Reground,
    Resample,
    Revise,
    Reword,
    Sample,
    Take,
    Task,
)
from foresight.loop.revisers import ScoringReviser
from foresight.verify import Verdict


class Says:
    """A reviser that always says the same."""

    def __init__(self, text):
        self.text = text

    def revise(self, model, case):
        self.case = case
        return self.text


class Longest(ScoringReviser):
    """Scores hypotheses by their place in the alphabet."""

    def scores(self, model, case):
        return torch.tensor([float(ord(text[0])) for text in case.hypotheses])


def test_comparing_tries_every_hypothesis_and_takes_the_one_that_was_seen(make_loop: Any, task: Any) -> None:
    """a, b, c are drawn with one seed; c, whose level was seen, is taken: by hand 0, 0.5 and 1."""
    trace = make_loop(Chain([Compare(), Best()])).run(task)
    assert [attempt.move for attempt in trace.attempts] == [Sample("a", 0), Sample("b", 0), Sample("c", 0)]
    assert [attempt.verdict.probability for attempt in trace.attempts] == pytest.approx([0.0, 0.5, 1.0], abs=1e-6)
    assert trace.outcome == Take(2) and trace.accepted is trace.attempts[2]
    # Four steps and a verification of two sequences, for two candidates: (4 + 1) · 2.
    assert [(a.cost.evaluations, a.cost.decodes) for a in trace.attempts] == [(10, 2)] * 3
    assert (len(trace.attempts), trace.spent.evaluations, trace.spent.decodes) == (3, 30, 6)


@pytest.mark.parametrize(
    ("budget", "attempts"),
    [(Budget(2), 2), (Budget(9, evaluations=11), 2), (Budget(9, evaluations=10), 1), (Budget(9, seconds=1e-9), 1)],
)
def test_a_budget_stops_the_loop(make_loop: Any, task: Any, budget: Any, attempts: int) -> None:
    """Attempts, evaluations and seconds each end it; what was tried until then can still be taken."""
    trace = make_loop(Chain([Compare(), Best()]), budget).run(task)
    assert len(trace.attempts) == attempts and trace.outcome == Take(attempts - 1)


def test_resampling_ends_with_acceptance_or_gives_up(make_loop: Any, task: Any) -> None:
    """The right instruction is accepted at once; the wrong one is drawn three times with new seeds, then given up."""
    policy = Chain([Accept(), Resample(times=3), Abstain(below=0.5), Best()])
    told = Task(task.context, task.observed, 16, "c", 0)
    assert make_loop(policy).run(told).outcome == Take(0)
    trace = make_loop(policy).run(task)
    assert [attempt.seed for attempt in trace.attempts] == [0, 2, 4]
    assert trace.outcome == GiveUp() and trace.accepted is None


def test_revising_rewords_and_tells_the_reviser_what_is_left(make_loop: Any, task: Any) -> None:
    """The reviser sees prediction and observation; its words are drawn with the first seed."""
    reviser = Says("c")
    trace = make_loop(Chain([Accept(), Revise(times=2), Resample(times=1)]), reviser=reviser).run(task)
    assert [attempt.move for attempt in trace.attempts] == [Sample("a", 0), Reword(0, 0)]
    assert [attempt.instruction for attempt in trace.attempts] == ["a", "c"]
    assert trace.outcome == Take(1)
    case = reviser.case
    assert case.instruction == "a" and case.hypotheses == ("b", "c")
    assert case.predicted.shape == case.observed.shape == (3, 8, 64, 64)


def test_a_scoring_reviser_never_repeats_itself(make_loop: Any, task: Any) -> None:
    """The last letter first, then the one before it, then nothing is left."""
    trace = make_loop(Chain([Revise(times=9), Resample(times=1), Best()]), reviser=Longest()).run(task)
    assert [attempt.instruction for attempt in trace.attempts] == ["a", "c", "b"]
    assert trace.outcome == Take(1)


def test_re_grounding_keeps_what_was_seen_and_predicts_the_rest(make_loop: Any, task: Any) -> None:
    """The video begins with what was seen, bit by bit; the rest is drawn by the model's words for going on."""
    trace = make_loop(Chain([Accept(), Reground(), Resample(times=1)])).run(task)
    assert [type(attempt.move) for attempt in trace.attempts] == [Sample, Continue]
    last = trace.accepted
    assert last is trace.attempts[1] and last.verdict is None and last.instruction == "go on"
    assert torch.equal(last.shown[:, :8], task.observed)
    assert torch.equal(last.shown[:, 8:], torch.full((3, 8, 64, 64), 1.0))
    # Nothing is verified: four steps for two candidates.
    assert last.cost.evaluations == 8


def test_a_continuation_is_judged_by_its_plausibility(make_loop: Any, task: Any) -> None:
    """A verifier that can rank says how likely it comes true, by the frames that nobody has seen."""

    loop = make_loop(Chain([Reground(), Resample(times=1)]))

    class Foresees(type(loop.verifier)):
        plausibilities = ("spread",)

        def verify_unseen(self, model, prediction):
            assert prediction.video.shape[2] == 8, "only what was not seen"
            return [
                Verdict(0.1 * (1 + row), "abstain", {}, prediction_correct=0.1 * (1 + row))
                for row in range(len(prediction))
            ]

    # Of three candidates the second lies in the middle, and is shown.
    last = replace(loop, verifier=Foresees(candidates=3)).run(task).accepted
    assert last.chosen == 1 and last.verdict.prediction_correct == 0.2 and last.verdict.frames == 0


def drawn_anew(model, context, instruction, seen, *, candidates, steps, seed, horizon):
    """In place of `conform`: a draw that does not look at what was seen."""
    return model.predict(context, instruction, horizon, candidates=candidates, noise_level=1.0, seed=seed, steps=steps)


def test_a_fit_begins_with_what_was_seen(make_loop: Any, task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes by the best story, is drawn from latents of what was seen, and shows that, then its own later frames."""

    def drawn(model, context, instruction, seen, *, candidates, steps, seed, horizon):
        assert torch.equal(context, task.context) and torch.equal(seen, torch.full((1, 1, 2, 2), 0.75))
        how = {"candidates": candidates, "steps": steps, "seed": seed, "horizon": horizon}
        flat = drawn_anew(model, context, instruction, seen, **how)
        return replace(flat, video=torch.arange(float(horizon)).view(-1, 1, 1).expand_as(flat.video))

    monkeypatch.setattr("foresight.loop.runner.conform", drawn)
    trace = make_loop(Chain([Compare(), Conform(steps=7)])).run(task)
    assert [type(attempt.move) for attempt in trace.attempts] == [Sample] * 3 + [Condition]
    last = trace.attempts[-1]
    assert last.instruction == "c" and last.seed == 6 and last.cost.evaluations == 14
    assert torch.equal(last.shown[:, :8], task.observed)
    assert torch.equal(last.shown[0, 8:, 0, 0], torch.arange(8.0, 16.0))
    seen = Task(task.context, task.observed, 8, "a", 0)
    with pytest.raises(UserError, match="does not conform"):
        make_loop(Chain([Conform(steps=7), Resample(times=1)])).run(seen)


def test_a_fit_is_as_probable_as_its_story_and_its_draws(
    make_loop: Any, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The story "c" agrees with what was seen at 0.98; its draws come true at 0.5: both hold at half of that."""

    class Foresees(type(make_loop(Best()).verifier)):
        plausibilities = ("spread",)

        def verify_unseen(self, model, prediction):
            return [Verdict(0.5, "abstain", {}, prediction_correct=0.5)] * len(prediction)

    monkeypatch.setattr("foresight.loop.runner.conform", drawn_anew)
    loop = make_loop(Chain([Compare(), Conform(steps=7), Best()]))
    brighter = Task(task.context, task.observed + 0.01, 16, "a", 0, task.hypotheses)
    trace = replace(loop, verifier=Foresees()).run(brighter)
    story, fit = trace.attempts[2].verdict, trace.attempts[3].verdict
    assert fit.prediction_correct == fit.probability == 0.5 * story.probability and story.probability == pytest.approx(
        0.98
    )
    # Without anything foreseen there is nothing to say.
    assert loop.run(brighter).attempts[3].verdict is None


@pytest.mark.parametrize(
    ("foreseen", "story", "both"),
    [
        ("accept", "accept", "accept"),
        ("accept", "abstain", "abstain"),
        ("abstain", "accept", "abstain"),
        ("accept", "reject", "reject"),
        ("reject", "abstain", "reject"),
    ],
)
def test_a_fit_is_accepted_only_with_its_story(
    make_loop: Any, task: Any, monkeypatch: pytest.MonkeyPatch, foreseen: str, story: str, both: str
) -> None:
    """Both have to hold; one that cannot is enough to reject."""

    class Decides(type(make_loop(Best()).verifier)):
        plausibilities = ("spread",)

        def verify(self, model, predictions, observed):
            return [replace(one, decision=story) for one in super().verify(model, predictions, observed)]

        def verify_unseen(self, model, prediction):
            return [Verdict(0.5, foreseen, {}, prediction_correct=0.5)] * len(prediction)

    monkeypatch.setattr("foresight.loop.runner.conform", drawn_anew)
    loop = make_loop(Chain([Compare(), Conform(steps=7)]))
    assert replace(loop, verifier=Decides()).run(task).attempts[-1].verdict.decision == both


def test_the_prediction_that_comes_true_is_taken_not_the_outcome_that_was_told(make_loop: Any, task: Any) -> None:
    """Where a verifier speaks of hits, policies go by them: "b" is sure to hit, "c" agrees with what was seen."""
    loop = make_loop(Chain([Compare(), Best()]))

    class KnowsHits(type(loop.verifier)):
        def verify(self, model, predictions, observed):
            found = super().verify(model, predictions, observed)
            return [replace(one, prediction_correct=float(predictions[0].instruction == "b")) for one in found]

    assert loop.run(task).accepted.instruction == "c"
    assert replace(loop, verifier=KnowsHits()).run(task).accepted.instruction == "b"


def test_the_candidate_nearest_to_what_was_seen_is_shown(make_loop: Any, task: Any) -> None:
    """Of c + 0.000 and c + 0.001, what was seen is nearer to the first; a little more, and it is the second."""
    told = Task(task.context, task.observed, 16, "c", 0)
    loop = make_loop(Chain([Resample(times=1), Best()]))
    assert loop.run(told).accepted.chosen == 0
    nearer = Task(task.context, task.observed + 0.001, 16, "c", 0)
    assert loop.run(nearer).accepted.chosen == 1


def test_a_policy_that_ignores_the_budget_is_stopped(make_loop: Any, task: Any) -> None:
    """A move after the last attempt is a defect, not a longer loop."""

    class Greedy:
        def decide(self, seen):
            return Sample("a", 0)

    with pytest.raises(ValueError, match="budget"):
        make_loop(Greedy(), Budget(2)).run(task)


def test_what_cannot_be_done_is_said(make_loop: Any, task: Any) -> None:
    """No reviser, nothing left to predict, too little or too much observed."""
    with pytest.raises(UserError, match="reviser"):
        make_loop(Chain([Revise(times=1), Resample(times=1)])).run(task)
    seen = Task(task.context, task.observed, 8, "a", 0)
    with pytest.raises(UserError, match="rest"):
        make_loop(Chain([Reground(), Resample(times=1)])).run(seen)
    for frames, horizon in ((7, 16), (8, 7)):
        with pytest.raises(UserError, match="observed frames"):
            Task(task.context, task.observed[:, :frames], horizon, "a", 0)
    assert make_loop(Chain([Accept()])).run(task).spent == Cost()
