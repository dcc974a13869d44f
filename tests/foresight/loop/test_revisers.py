"""Revisers: the instruction that explains best what was seen, by flow, by judged answers, in own words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from foresight.errors import UserError
from foresight.loop.revisers import AnsweringReviser, Case, JudgingReviser, LikelihoodReviser
from foresight.world.denoiser import future_velocity
from ltx.flow.noise import draw_noise, seeded
from ltx.shapes import to_tokens

UP, DOWN = "the red ball is pushed up", "the red ball is pushed down"


@pytest.fixture
def case(clip):
    """Eight frames were seen; what was expected stands still."""
    return Case(clip[:, :9], clip[:, 9:17], clip[:, 8:9].expand(-1, 8, -1, -1), "nothing is pushed", (UP, DOWN))


def test_flow_losses_by_hand(world: Any, case: Any) -> None:
    """Minus the mean squared velocity error of each instruction at each level, with one noise for both."""
    got = LikelihoodReviser(sigmas=(0.4, 0.8), seed=3).scores(world, case)
    with torch.no_grad():
        latents = world.encode(torch.cat([case.context, case.observed], dim=1)[None])
        clean = to_tokens(latents[:, :, 2:])
        noise = draw_noise(clean, seeded([3]))
        for index, text in enumerate((UP, DOWN)):
            features = world.features(case.context[None], [text])
            _, problem = world.condition(latents[:, :, :2], features, world.text([text]), 1)
            total = 0.0
            for sigma in (0.4, 0.8):
                noisy = (1 - sigma) * clean + sigma * noise
                velocity = future_velocity(world.transformer, problem, noisy, torch.full((1, 4), sigma))
                total -= float((velocity - (noise - clean)).square().mean())
            assert float(got[index]) == pytest.approx(total, abs=1e-4)
    best = LikelihoodReviser(sigmas=(0.4, 0.8), seed=3).revise(world, case)
    assert best == (UP, DOWN)[int(got.argmax())]


class Witness:
    """A model that finds DOWN likely in any clip, and UP a little likelier where something moves."""

    def see(self, frames, *, frame_rate):
        return (frames[:, :, 1:] - frames[:, :, :-1])[:, :, -8:].abs().mean(dim=(1, 2, 3, 4)) > 0

    def judge(self, seen, questions, answers):
        self.answers, self.questions = answers, questions
        return torch.tensor([[-9.0 + float(moves), -1.0] for moves in seen])

    def describe(self, seen):
        return ["nothing moves"]

    def answer(self, seen, questions, *, longest):
        self.questions = questions
        return [f" {UP}\nbecause it moved"]


def test_what_any_clip_would_be_said_to_show_does_not_count(world: Any, case: Any) -> None:
    """DOWN is likelier in both clips; UP is what the observation adds to the expectation."""
    witness = Witness()
    reviser = JudgingReviser("What was done?", {" is pushed": "", "the ": ""}, witness)
    assert reviser.revise(world, case) == UP
    assert witness.answers == ["red ball up", "red ball down"] and witness.questions == ["What was done?"] * 2


def test_own_words_after_hearing_what_was_expected(world: Any, case: Any) -> None:
    """The question holds the instruction and the description of the prediction; the first line is taken."""
    witness = Witness()
    reviser = AnsweringReviser("{instruction}? Not {expected}?", witness)
    assert reviser.revise(world, case) == UP
    assert witness.questions == ["nothing is pushed? Not nothing moves?"]


def test_the_worlds_own_model_judges(world: Any, case: Any) -> None:
    """Without another one the world's own vision-language model is asked; its scores are finite and differ."""
    scores = JudgingReviser("Which object was pushed?", {}).scores(world, case)
    assert scores.shape == (2,) and bool(scores.isfinite().all()) and float(scores.diff()) != 0


def test_what_cannot_be_asked_is_refused(world: Any, make_world: Any, case: Any) -> None:
    """No hypotheses, no model that judges or answers, levels that are none."""
    with pytest.raises(UserError, match="hypotheses"):
        LikelihoodReviser().revise(world, replace(case, hypotheses=()))
    bare = make_world(adapter=None)
    with pytest.raises(UserError, match="judges"):
        JudgingReviser("What?", {}).scores(bare, case)
    with pytest.raises(UserError, match="answers"):
        AnsweringReviser("What?").revise(bare, case)
    with pytest.raises(ValueError, match="noise levels"):
        LikelihoodReviser(sigmas=(1.0,))
