"""What the small Qwen learns to say: places, directions and answers worked out by hand from states made by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foresight.physics import Action, Body, PhysicsConfig, Scene
from foresight.vlm.curriculum.episode import Episode
from foresight.vlm.curriculum.grounding_targets import places
from foresight.vlm.curriculum.qa import (
    Turn,
    ask_count,
    ask_heading,
    ask_judgement,
    ask_presence,
    ask_pushed,
    ask_where,
    asking_turns,
    describe_scene,
    heading,
    place,
    tell_future,
    telling_turns,
    whole_clip_turns,
)

CONFIG = PhysicsConfig(size=100, frames=6, context_frames=2)
BALL, BOX = Body("ball", "red", 5.0), Body("box", "blue", 5.0)


def episode(action: Action | None = None) -> Episode:
    """A red ball 10 pixels further right at every frame, from 15; a blue box at rest at (10, 80)."""
    ball = torch.tensor([[15.0 + 10 * frame, 40.0] for frame in range(6)])
    box = torch.tensor([[10.0, 80.0]]).expand(6, 2)
    speeds = torch.tensor([[80.0, 0.0], [0.0, 0.0]]).expand(6, 2, 2)
    scene = Scene((BALL, BOX), np.zeros((2, 2)), np.zeros((2, 2)), (0.0, 0.0), action)
    return Episode(scene, CONFIG, torch.stack([ball, box], dim=1), speeds)


def test_a_place_is_percent_of_the_picture() -> None:
    """Half of 64 pixels is 50, three quarters 75; what lies outside is at the edge, 00 or 99."""
    assert place(torch.tensor([32.0, 48.0]), 64) == "(50,75)"
    assert place(torch.tensor([-3.0, 64.0]), 64) == "(00,99)"
    assert place(torch.tensor([6.4, 63.9]), 64) == "(10,99)"


@pytest.mark.parametrize(
    ("degrees", "words"),
    [
        *[(0, "right"), (22, "right"), (23, "right and down"), (67, "right and down"), (68, "down"), (90, "down")],
        *[(135, "left and down"), (180, "left"), (225, "left and up"), (270, "up"), (315, "right and up")],
    ],
)
def test_directions_are_eight_equal_sectors(degrees: int, words: str) -> None:
    """Each is 45° wide around its axis; y points down; below 2 pixels per second nothing moves."""
    way = torch.tensor([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    assert heading(2.001 * way) == heading(50 * way) == words
    assert heading(1.999 * way) == "at rest"


def test_the_scene_is_described_from_left_to_right() -> None:
    """At the last context frame, the second, the box at 10 is left of the ball at 25."""
    assert describe_scene(episode()).answer == "blue box at (10,80) at rest; red ball at (25,40) right"


def test_the_future_is_told_with_the_pushed_object_first() -> None:
    """Now, half-way (frame (1 + 5) // 2 = 3) and at the end (frame 5): the ball at 25, 45, 65; the box stays."""
    box, ball = "blue box at (10,80) goes by (10,80) to (10,80)", "red ball at (25,40) goes by (45,40) to (65,40)"
    assert tell_future(episode()).answer == f"{box}; {ball}"
    assert tell_future(episode(Action(0, "up"))).answer == f"{ball}; {box}"
    assert tell_future(episode(Action(1, "up"))).answer == f"{box}; {ball}"


def test_short_answers_say_what_is_true() -> None:
    """Where, which way and how many, of either object, at the last context frame."""
    clip = episode()
    assert ask_where(clip, 0) == Turn("where", "Where is the red ball?", "at (25,40)")
    assert ask_where(clip, 1).answer == "at (10,80)"
    assert ask_heading(clip, 0).answer == "right" and ask_heading(clip, 1).answer == "at rest"
    assert ask_count(clip).answer == "2"


def test_a_push_that_comes_has_a_place_and_one_that_was_has_none() -> None:
    """From where the object is at the last context frame."""
    clip = episode(Action(0, "down"))
    assert ask_pushed(clip, past=False).answer == "the red ball down from (25,40)"
    assert ask_pushed(clip, past=True).answer == "the red ball down"
    assert {ask_pushed(episode(), past=past).answer for past in (False, True)} == {"none"}


def test_what_is_asked_about_is_there_as_often_as_not() -> None:
    """The answer is true, and of 200 about half are yes."""
    rng = np.random.default_rng(0)
    answers = []
    for _ in range(200):
        turn = ask_presence(episode(), rng)
        assert (turn.answer == "yes") == any(body.name in turn.question for body in (BALL, BOX))
        answers.append(turn.answer)
    assert 70 < answers.count("yes") < 130


def test_a_judgement_is_true_as_often_as_not() -> None:
    """Of a push to the left, the right sentence gets yes and every other one no; without a push all are wrong."""
    rng = np.random.default_rng(0)
    turns = [ask_judgement(episode(Action(1, "left")), rng) for _ in range(200)]
    true = "Is it true that the blue box was pushed to the left?"
    assert all((turn.answer == "yes") == (turn.question == true) for turn in turns)
    assert 70 < sum(turn.answer == "yes" for turn in turns) < 130
    assert len({turn.question for turn in turns}) == 8, "every other body and direction is asked about"
    assert {ask_judgement(episode(), rng).answer for _ in range(50)} == {"no"}


def test_conversations_have_the_turns_that_are_asked_for() -> None:
    """As many short ones as asked for; one long and one short; of a whole clip never the same place twice."""
    clip, rng = episode(Action(0, "up")), np.random.default_rng(0)
    assert len(asking_turns(clip, rng, 5)) == 5
    kinds = [{turn.kind for turn in telling_turns(clip, rng)} for _ in range(100)]
    assert all(len(pair & {"describe", "next"}) == 1 and len(pair) == 2 for pair in kinds)
    assert 40 < sum("next" in pair for pair in kinds) < 80
    whole = [whole_clip_turns(clip, rng, 3) for _ in range(100)]
    assert all(len(turns) == 3 for turns in whole)
    assert 50 < sum("pushed" in {turn.kind for turn in turns} for turns in whole) < 95


def test_targets_stand_in_the_cell_of_the_object() -> None:
    """Of 2 × 4 cells of 50 × 25 pixels the ball at (45, 40) in frame 3 and at (65, 40) in frame 5 is in columns 1 and 2
    of row 0: 0.3 and 0.1 right of their middles, 0.3 below them, with four times the unit of speed to the right."""
    found = places([episode()], (2, 2, 4), [0, 3, 4, 5])
    presence, states = (value.view(2, 2, 4, -1, width) for value, width in ((found.presence, 1), (found.states, 5)))
    where = [tuple(index) for index in presence[..., 0].nonzero().tolist()]
    red, blue = where[0][3], where[1][3]
    assert where == [(0, 0, 1, red), (0, 1, 0, blue), (1, 0, 2, red), (1, 1, 0, blue)]
    assert states[0, 0, 1, red].tolist() == pytest.approx([0.3, 0.3, 4.0, 0.0, 1.0])
    assert states[1, 0, 2, red].tolist() == pytest.approx([0.1, 0.3, 4.0, 0.0, 1.0])
    assert states[0, 1, 0, blue].tolist() == pytest.approx([-0.1, 0.1, 0.0, 0.0, -1.0])
    assert float(found.states.abs().sum()) == pytest.approx(2 * (0.1 + 0.1 + 1) + 0.6 + 5 + 0.4 + 5)


def test_targets_of_too_few_frames_repeat_none_and_objects_outside_are_at_the_edge() -> None:
    """Of three frames the second time has the last one alone; beyond the picture the nearest cell counts."""
    clip = episode()
    clip.positions[5, 0] = torch.tensor([130.0, -20.0])
    found = places([clip], (2, 2, 4), [0, 1, 5])
    where = found.presence.view(2, 2, 4, -1).nonzero().tolist()
    assert [index[:3] for index in where] == [[0, 0, 1], [0, 1, 0], [1, 0, 3], [1, 1, 0]]
