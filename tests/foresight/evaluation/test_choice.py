"""Problems of choice: one right option, others that can be told from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from foresight.choose.problems import make_problem
from foresight.evaluation.choice import ChoiceCard
from foresight.physics import PhysicsConfig
from foresight.physics.clip import clip_of_scene

PHYSICS = PhysicsConfig()


@pytest.mark.parametrize("seed", range(30_000_000, 30_000_006))
def test_the_right_option_is_what_was_done_and_the_others_end_elsewhere(seed: Any) -> None:
    """Of different options one leads to the goal, the others 6 pixels off; a seed always gives the same problem."""
    problem = make_problem(seed, PHYSICS, 4)
    assert len(set(problem.options)) == len(problem.options) <= 4
    assert problem.options[problem.right] == problem.clip.action
    assert problem.instructions[problem.right] == problem.clip.instruction
    for index, option in enumerate(problem.options):
        end = clip_of_scene(replace(problem.clip.scene, action=option), PHYSICS, seed).positions[-1]
        furthest = float((end - problem.clip.positions[-1]).norm(dim=-1).max())
        assert furthest == 0 if index == problem.right else furthest >= 6
    assert make_problem(seed, PHYSICS, 4).options == problem.options


def test_the_right_option_stands_anywhere() -> None:
    """Over 60 problems every place is the right one at times: who always takes one place is no better than chance."""
    places = [make_problem(seed, PHYSICS, 4).right for seed in range(30_000_000, 30_000_060)]
    assert all(5 <= places.count(place) <= 28 for place in range(4))


def test_the_goal_in_words_is_in_the_past() -> None:
    """A push is put as the VLM was taught to judge it; where nothing is pushed there is no sentence."""
    problems = [make_problem(seed, PHYSICS, 4) for seed in range(30_000_000, 30_000_020)]
    pushed = [problem for problem in problems if problem.clip.action]
    still = [problem for problem in problems if not problem.clip.action]
    assert pushed and still and not any(problem.sentence for problem in still)
    assert all(" was pushed " in problem.sentence and " is " not in problem.sentence for problem in pushed)


def test_a_card_by_hand() -> None:
    """Two of three right, chance ½ and ⅓, the VLM alone once."""
    card = ChoiceCard(
        costs=(np.array([0.1, 0.2]), np.array([0.3, 0.2]), np.array([0.5, 0.1, 0.4])),
        right=np.array([0, 0, 1]),
        probability=np.array([0.9, 0.6, 0.8]),
        alone=np.array([0.0, 1.0, 0.0]),
        sentence=np.array([]),
    )
    figures = card.figures()
    assert figures["right by imagination, goal a picture"].value == pytest.approx(2 / 3)
    assert figures["chance"].value == pytest.approx((0.5 + 0.5 + 1 / 3) / 3)
    assert figures["imagination − VLM alone"].value == pytest.approx(1 / 3)
    assert not any("sentence" in name for name in figures)
