"""The understanding card by a VLM whose answers are known."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from foresight.evaluation.understanding import FROZEN, PREDICTED, REAL, pushed_as, understand
from foresight.physics import PhysicsConfig, SimulatedSplit
from foresight.physics.tracking import track
from foresight.vlm.curriculum.qa import place


class Tracks:
    """Answers by measuring: the push as the clip's own if anything moved after the context, places by colour."""

    def __init__(self, clips):
        self.clips = clips

    def see(self, frames, *, frame_rate):
        """The frames themselves."""
        return frames

    def answer(self, seen, questions, *, longest):
        """True answers about what is seen."""
        said = []
        for frames, question, clip in zip(seen, questions, self.clips, strict=True):
            if question.startswith("Which"):
                moved = not torch.equal(frames[:, -1], frames[:, 8])
                said.append(pushed_as(clip) if moved else "none")
            else:
                found = track(frames[:, -1:], clip.bodies).positions[0, clip.action.body]
                said.append(f"at {place(found, 64)}")
        return said


@pytest.fixture(scope="module")
def clips():
    """Four clips with a push."""
    return [clip for clip in SimulatedSplit(PhysicsConfig(), "test", 8) if clip.action is not None][:4]


def test_a_perfect_prediction_reads_like_the_real_video(clips: Any) -> None:
    """Right answers about real and predicted, wrong ones about the frozen frame; all gates hold."""
    futures = torch.stack([clip.future for clip in clips])
    card = understand(Tracks(clips), clips, lambda contexts, instructions, frames: futures)
    figures = card.figures()
    for name in (REAL, PREDICTED):
        assert figures[f"which object was pushed, and where to: {name}"].value == 1
        assert figures[f"where the object is at the end, error (px): {name}"].value < 1.5
    assert figures[f"which object was pushed, and where to: {FROZEN}"].value == 0
    assert figures[f"same answer as for real video: {FROZEN}"].value == 0
    assert all(gate.holds for gate in card.gates())


def test_a_frozen_prediction_turns_the_gates_red(clips: Any) -> None:
    """Whoever repeats the last frame is read like the last frame."""
    frozen = torch.stack([clip.context[:, -1:].expand(-1, 16, -1, -1) for clip in clips])
    card = understand(Tracks(clips), clips, lambda contexts, instructions, frames: frozen)
    assert not any(gate.holds for gate in card.gates())


def test_what_is_told_of_a_push_is_the_instruction_in_the_past(clips: Any) -> None:
    """`the red ball to the left`: object and direction, nothing else."""
    for clip in clips:
        assert pushed_as(clip).startswith(f"the {clip.bodies[clip.action.body].name} ") and "pushed" not in pushed_as(
            clip
        )
