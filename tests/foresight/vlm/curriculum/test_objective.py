"""The losses that ground a VLM, by hand values."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from foresight.vlm.curriculum.conversations import IGNORED
from foresight.vlm.curriculum.grounding_targets import STATES, Places
from foresight.vlm.curriculum.mention_targets import STATES as NAMED_STATES
from foresight.vlm.curriculum.mention_targets import Mentions
from foresight.vlm.curriculum.objective import answer_loss, grounding_loss, naming_loss, own_places, pointing_loss

LN2 = math.log(2)


def test_cells_know_their_own_places() -> None:
    """Centres over −1 to 1: of two times and two columns ∓½, of a single row 0; columns run fastest."""
    assert own_places(torch.tensor([2, 1, 2])).tolist() == [
        [-0.5, 0, -0.5],
        [-0.5, 0, 0.5],
        [0.5, 0, -0.5],
        [0.5, 0, 0.5],
    ]


def test_answers_are_predicted_by_the_state_before() -> None:
    """Two answers, said with probabilities ¾ and ¼: the first is right; what is ignored does not count."""
    head: Any = SimpleNamespace(lm_head=nn.Identity())
    states = torch.tensor([[[9.0, 0.0], [0.0, math.log(3)], [0.0, math.log(3)], [7.0, 7.0]]])
    labels = torch.tensor([[1, IGNORED, 1, 0]])
    loss, accuracy = answer_loss(head, states, labels)
    assert float(loss) == pytest.approx((math.log(4 / 3) + math.log(4)) / 2) and float(accuracy) == 0.5


def test_grounding_by_hand() -> None:
    """Of 8 even guesses two are filled, which weigh 4: (6 + 8) / 8 · log 2. States: 3·(1 + 4) + 16 and 3·(3 − 1)² over
    two bodies of five values; places are off by √((1 + 4 + 4) / 4). What lies in empty cells is not asked for."""
    presence, states = torch.zeros(1, 2, 4), torch.full((1, 2, 4, STATES), 9.0)
    presence[0, 0, 0] = presence[0, 1, 1] = 1
    states[0, 0, 0] = torch.tensor([1.0, 2.0, 0.0, 0.0, 4.0])
    states[0, 1, 1] = torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0])
    read = torch.zeros(1, 2, 4, 1 + STATES)
    read[0, 1, 1, 1] = 3.0
    loss, off = grounding_loss(read.flatten(2), Places(presence, states))
    assert float(loss) == pytest.approx(14 / 8 * LN2 + (3 * 5 + 16 + 3 * 4) / 10)
    assert float(off) == pytest.approx(1.5)


def test_naming_by_hand() -> None:
    """Three names, two of them present, all even guesses: log 2; errors of 1, 2 and 3 over two objects; places are off
    by √((1 + 4) / 4). Words that name nothing, and states of what is absent, do not count."""
    head = nn.Linear(2, 1 + NAMED_STATES)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    head.bias.data[1] = 1.0
    head.requires_grad_(False)
    named = torch.tensor([[True, True, True, False]])
    states = torch.full((1, 4, NAMED_STATES), 9.0)
    states[0, 0] = torch.tensor([2.0, 0.0, 3.0, *[0.0] * (NAMED_STATES - 3)])
    states[0, 1] = torch.tensor([1.0, 2.0, *[0.0] * (NAMED_STATES - 2)])
    mentions = Mentions(named, torch.zeros(1, 4, dtype=torch.long), torch.tensor([[1.0, 1.0, 0.0, 1.0]]), states)
    loss, off = naming_loss(head, torch.zeros(1, 4, 2), mentions)
    assert float(loss) == pytest.approx(LN2 + (1 + 9 + 4) / 2) and float(off) == pytest.approx(math.sqrt(5) / 2)
    nobody = Mentions(named, mentions.colours, torch.zeros(1, 4), states)
    assert float(naming_loss(head, torch.zeros(1, 4, 2), nobody)[0]) == pytest.approx(LN2)


def test_a_name_points_at_its_cell_in_the_last_picture() -> None:
    """Two pictures of two cells at positions 1 to 4: a body in the second cell of the last is at 4. A quarter of the
    attention there costs log 4; where nothing is named there is no loss."""
    presence = torch.zeros(1, 4, 4)
    presence[0, 3, 2] = presence[0, 0, 2] = 1
    present = torch.zeros(1, 8)
    present[0, 7] = 1
    colours = torch.full((1, 8), 2)

    def batch(present: torch.Tensor) -> Any:
        return SimpleNamespace(
            mentions=SimpleNamespace(present=present, colours=colours),
            tokens=SimpleNamespace(vision=torch.tensor([[False, True, True, True, True, False, False, False]])),
            places=SimpleNamespace(presence=presence),
            grid=torch.tensor([[2, 2, 4]]),
        )

    weights = torch.full((1, 8, 8), 0.5)
    weights[0, 7, 4] = 0.25
    assert float(pointing_loss(weights, batch(present))) == pytest.approx(math.log(4))
    assert float(pointing_loss(weights, batch(torch.zeros(1, 8)))) == 0
