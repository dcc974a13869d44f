"""Choosing: costs that mean what they say, and a ranking that does not depend on the order of asking."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from foresight.choose import ImageGoal, SentenceGoal, choose, read_goal
from foresight.errors import UserError
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel

OPTIONS = ["the red ball is pushed up", "nothing is pushed", "the blue box is pushed to the left"]
HOW = {"horizon": 8, "temperature": 0.5, "sampling": Sampling(1, steps=1)}


def test_the_instruction_whose_imagined_end_is_the_goal_costs_nothing(world: WorldModel, clip: Tensor) -> None:
    """The goal is the end imagined for the second option: its cost is 0, and it is the most probable."""
    end = world.predict(clip[:, :9], OPTIONS[1], 8, candidates=1, steps=1).video[0, :, -1]
    found = choose(world, clip[:, :9], OPTIONS, ImageGoal(end), **HOW)
    assert found.costs[1] == pytest.approx(0, abs=1e-4) and min(found.costs[0], found.costs[2]) > 1e-3
    assert found.best == OPTIONS[1] and found.order[0] == 1
    assert sum(found.probabilities) == pytest.approx(1)
    expected = torch.softmax(-torch.tensor(found.costs) / 0.5, 0).tolist()
    assert found.probabilities == pytest.approx(expected)


def test_the_order_of_the_options_changes_nothing(world: WorldModel, clip: Tensor) -> None:
    """Each option keeps its cost: all are imagined with the same noise."""
    goal = ImageGoal(clip[:, 24])
    forwards = choose(world, clip[:, :9], OPTIONS, goal, **HOW)
    backwards = choose(world, clip[:, :9], OPTIONS[::-1], goal, **HOW)
    assert backwards.costs[::-1] == pytest.approx(forwards.costs, abs=1e-5)


def test_a_sentence_is_put_to_the_vlm_as_a_question(world: WorldModel, clip: Tensor) -> None:
    """The cost is log p(no) − log p(yes) of that question about context and future, mean over candidates."""
    goal = SentenceGoal("the red ball was pushed up.")
    assert goal.question == "Is it true that the red ball was pushed up?"
    prediction = world.predict(clip[:, :9], OPTIONS[0], 8, candidates=2, steps=1)
    whole = torch.cat([clip[None, :, :9].expand(2, -1, -1, -1, -1), prediction.video], dim=2)
    said = world.vlm.judge(world.vlm.see(whole, frame_rate=8.0), [goal.question] * 2, ["yes", "no"])
    expected = float((said[:, 1] - said[:, 0]).mean())
    assert float(goal.costs(world, [prediction])[0]) == pytest.approx(expected, abs=1e-4)


def test_a_model_without_vlm_cannot_judge_sentences(make_world: Callable[..., WorldModel], clip: Tensor) -> None:
    """The error says to give a picture."""
    with pytest.raises(UserError, match="picture"):
        choose(make_world(adapter=None), clip[:, :9], OPTIONS, SentenceGoal("it is there"), **HOW)


@pytest.mark.parametrize("options", [[], ["wait"], ["wait", "wait"]])
def test_there_must_be_a_choice(world: WorldModel, clip: Tensor, options: Any) -> None:
    """Fewer than two different instructions are refused."""
    with pytest.raises(UserError, match="two different"):
        choose(world, clip[:, :9], options, ImageGoal(clip[:, 24]), **HOW)


def test_a_goal_of_another_size_is_refused(world: WorldModel, clip: Tensor) -> None:
    """The sizes are named."""
    with pytest.raises(UserError, match="64×64"):
        choose(world, clip[:, :9], OPTIONS, ImageGoal(clip[:, 24, :32, :32]), **HOW)


def test_goals_are_read_from_pictures_or_taken_as_sentences(tmp_path: Path) -> None:
    """A picture is scaled to cover the size; words are a sentence; a picture that is missing is not taken for words."""
    Image.new("RGB", (128, 80), (255, 0, 0)).save(tmp_path / "goal.png")
    picture = read_goal(str(tmp_path / "goal.png"), (64, 64))
    assert isinstance(picture, ImageGoal) and picture.picture.shape == (3, 64, 64)
    assert torch.allclose(picture.picture[:, 0, 0], torch.tensor([1.0, -1.0, -1.0]))
    assert read_goal("the red ball was pushed up", (64, 64)) == SentenceGoal("the red ball was pushed up")
    for wrong in ("", str(tmp_path / "nothing.png")):
        with pytest.raises(UserError, match="goal="):
            read_goal(wrong, (64, 64))
