"""A yes-or-no question to the VLM: whether a sentence is true of a video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

YES, NO = "yes", "no"
Videos = Float[Tensor, "batch rgb=3 frame height width"]


@runtime_checkable
class JudgesAnswers(Protocol):
    """A vision-language model that says how probable answers are; `foresight.QwenEncoder` is one."""

    def see(self, frames: Videos, *, frame_rate: float) -> Any:
        """Run the vision tower once."""

    def judge(self, seen: Any, questions: list[str], answers: list[str]) -> Float[Tensor, "batch answer"]:
        """Log-probability of each answer."""


def truth_question(sentence: str) -> str:
    """The question whether a sentence is true, as the small VLM was taught it."""
    return f"Is it true that {sentence}?"


def past(instruction: str) -> str:
    """An instruction such as `the red ball is pushed up`, as a sentence about the past."""
    return instruction.replace(" is ", " was ", 1)


@torch.no_grad()
def yes_odds(
    vlm: JudgesAnswers, videos: Videos, questions: Sequence[str], *, frame_rate: float
) -> Float[Tensor, " batch"]:
    """Log-odds of yes against no to one question about each video.

    Args:
        vlm: the model that is asked.
        videos: in [−1, 1].
        questions: one for each.
        frame_rate: frames per second.
    """
    said = vlm.judge(vlm.see(videos, frame_rate=frame_rate), list(questions), [YES, NO])
    return said[:, 0] - said[:, 1]
