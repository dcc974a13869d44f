"""Yes-or-no questions: their words, and the sign of their odds."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.vlm.yes_no import past, truth_question, yes_odds


class Witness:
    """A model that finds yes as probable as a clip's first value, and remembers the questions."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def see(self, frames: Float[Tensor, "batch rgb=3 frame height width"], *, frame_rate: float) -> Tensor:
        return frames[:, 0, 0, 0, 0] / frame_rate

    def judge(self, seen: Tensor, questions: list[str], answers: list[str]) -> Float[Tensor, "batch answer"]:
        self.asked = questions
        return torch.stack([seen.log() if answer == "yes" else (1 - seen).log() for answer in answers], dim=1)


def test_an_instruction_is_asked_about_in_the_past() -> None:
    """Its first verb alone: a second one belongs to a name or a clause."""
    assert truth_question(past("the red ball is pushed up")) == "Is it true that the red ball was pushed up?"
    assert past("what is red is pushed up") == "what was red is pushed up"


def test_odds_are_of_yes() -> None:
    """Three to one for the first clip is log 3, one to three for the second −log 3."""
    videos = torch.full((2, 3, 1, 1, 1), 0.75)
    videos[1] = 0.25
    witness = Witness()
    found = yes_odds(witness, videos * 4, ("one?", "two?"), frame_rate=4.0)
    assert torch.allclose(found, torch.tensor([3.0, 1 / 3]).log()) and witness.asked == ["one?", "two?"]
