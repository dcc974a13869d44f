"""Lengths in frames and seconds, and their fit to 8k+1 frames, by hand values."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from foresight.errors import UserError
from foresight.video.lengths import LengthPolicy, context_frames, horizon_frames


@pytest.mark.parametrize(
    ("length", "rate", "context", "horizon"),
    [("1.0s", 8.0, 9, 8), ("2s", 8.0, 17, 16), (" .5 s ", 24.0, 13, 12), (12, 8.0, 12, 12), ("1.0s", 25.0, 26, 25)],
)
def test_seconds_and_frames(length: Any, rate: float, context: int, horizon: int) -> None:
    """A context in seconds counts both its ends, a horizon does not; whole numbers are frames."""
    assert context_frames(length, rate) == context
    assert horizon_frames(length, rate) == horizon


@pytest.mark.parametrize("length", [1, 0, -3, 4097, "0s", "1", "one", "-1s", "1e3s", 1.5, True, None, "9999999s"])
def test_no_such_context(length: Any) -> None:
    """One frame shows no motion; words, fractions of frames and endless lengths are refused."""
    with pytest.raises(UserError, match="context"):
        context_frames(length, 8.0)


@pytest.mark.parametrize("length", [0, -1, 4097, "0.0s", "", [8], False])
def test_no_such_horizon(length: Any) -> None:
    """A horizon has at least one frame and an end."""
    with pytest.raises(UserError, match="horizon"):
        horizon_frames(length, 8.0)


@pytest.mark.parametrize(
    ("asked", "given"),
    [(1, 1), (2, 9), (8, 9), (9, 9), (10, 9), (13, 9), (14, 17), (17, 17), (21, 17), (22, 25), (25, 25)],
)
def test_the_context_becomes_the_nearest_8k_plus_1(asked: int, given: int) -> None:
    """Dropping where it touches no more frames than repeating, never below nine but for a single picture."""
    assert LengthPolicy(asked, 8).model_context == given


@pytest.mark.parametrize(("asked", "predicted"), [(1, 8), (8, 8), (9, 16), (16, 16), (17, 24)])
def test_the_horizon_is_rounded_up_to_eights(asked: int, predicted: int) -> None:
    """What the model predicts is the next multiple of eight."""
    assert LengthPolicy(9, asked).model_horizon == predicted


def test_fitting_keeps_the_end_of_the_context() -> None:
    """Frames 0…10 become 2…10; frames 0…6 become 0, 0, 0, 1 … 6; the prediction is cut to what was asked."""
    frames = torch.arange(11.0).view(1, 11, 1, 1).expand(3, 11, 2, 2)
    assert LengthPolicy(11, 8).fit_context(frames)[0, :, 0, 0].tolist() == list(range(2, 11))
    assert LengthPolicy(7, 8).fit_context(frames[:, :7])[0, :, 0, 0].tolist() == [0, 0, 0, 1, 2, 3, 4, 5, 6]
    assert torch.equal(LengthPolicy(9, 8).fit_context(frames[:, :9]), frames[:, :9])
    batch = frames.expand(2, 3, 11, 2, 2)
    assert LengthPolicy(11, 8).fit_context(batch).shape == (2, 3, 9, 2, 2)
    assert LengthPolicy(9, 5).restore(frames[:, :8])[0, :, 0, 0].tolist() == [0, 1, 2, 3, 4]


def test_other_lengths_than_planned_are_refused() -> None:
    """A context of nine frames does not fit a policy of ten; nor a prediction of nine one of eight."""
    with pytest.raises(ValueError, match="10 frames"):
        LengthPolicy(10, 8).fit_context(torch.zeros(3, 9, 2, 2))
    with pytest.raises(ValueError, match="8 frames"):
        LengthPolicy(9, 5).restore(torch.zeros(3, 9, 2, 2))
    with pytest.raises(UserError, match="at least 1 frame"):
        LengthPolicy(0, 8)


def test_what_is_done_is_said_in_words() -> None:
    """Nothing to say where nothing is done; else each change in a sentence with its numbers."""
    assert LengthPolicy(9, 16).sentences() == []
    dropped, cut = LengthPolicy(10, 12).sentences()
    assert "oldest frame is left out" in dropped and "10 become 9" in dropped
    assert "16 frames are predicted" in cut and "last 4 cut off" in cut
    (repeated,) = LengthPolicy(7, 8).sentences()
    assert "repeated twice in front" in repeated and "7 become 9" in repeated


def test_the_shortest_and_longest_lengths_are_taken() -> None:
    """A context of 2 to 4,096 frames, a horizon of 1 to 4,096; the frames of what is refused are said."""
    assert (context_frames(2, 8.0), context_frames(4096, 8.0)) == (2, 4096)
    assert (horizon_frames(1, 8.0), horizon_frames(4096, 8.0)) == (1, 4096)
    with pytest.raises(UserError, match=r"got 600s \(4801 frames at 8 per second\)"):
        context_frames("600s", 8.0)


def test_numbers_of_frames_are_said_in_words() -> None:
    """One, two, or more frames repeated or left out."""
    assert [LengthPolicy(frames, 8).sentences()[0].split(",")[0] for frames in (8, 7, 6, 12)] == [
        "The first frame is repeated once in front",
        "The first frame is repeated twice in front",
        "The first frame is repeated 3 times in front",
        "The oldest 3 frames are left out of the context",
    ]


def test_either_length_below_1_and_a_missing_axis_are_refused() -> None:
    """A horizon of no frames; frames without colours."""
    with pytest.raises(UserError, match="got 9 and 0"):
        LengthPolicy(9, 0)
    with pytest.raises(ValueError, match="context of 9 frames"):
        LengthPolicy(9, 8).fit_context(torch.zeros(9, 2, 2))
