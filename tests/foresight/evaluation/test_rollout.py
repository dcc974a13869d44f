"""The rollout card: zero error for the truth, no skill for a copy, and figures per horizon."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foresight.evaluation.rollout import COPY, LINEAR, MODEL, Course, RolloutCard, roll_out
from foresight.metrics.baselines import copy_last_frame
from foresight.physics import PhysicsConfig, SimulatedSplit

PHYSICS = PhysicsConfig(frames=33)
HELD_OUT = SimulatedSplit(PHYSICS, "test", 3)


def test_the_truth_has_no_error_and_skill_one_at_every_horizon() -> None:
    """A forecaster that knows the future: error 0 everywhere, and every frame below copy's."""
    clips = torch.stack([clip.tensor for clip in HELD_OUT])
    card = roll_out(lambda contexts, words, frames: clips[:, :, -frames:], HELD_OUT, chunk=16)
    figures = card.figures()
    assert card.horizons == [8, 16, 24] and card.courses[MODEL].mse.shape == (3, 24)
    assert float(card.courses[MODEL].mse.max()) == 0 and figures["skill over copy at frame 24"].value == 1
    assert figures["frames with an error below copy's"].value == 1
    assert float(card.courses[MODEL].position.mean()) < 1


def test_a_copy_has_no_skill() -> None:
    """A forecaster that copies has copy's course, skill 0, and no frame below it."""
    card = roll_out(lambda contexts, words, frames: copy_last_frame(contexts, frames), HELD_OUT, chunk=16)
    figures = card.figures()
    assert (card.courses[MODEL].mse == card.courses[COPY].mse).all()
    assert figures["skill over copy at frame 16"].value == pytest.approx(0)
    assert figures["frames with an error below copy's"].value == 0
    assert figures["largest error / copy's over frames"].value == pytest.approx(1)
    assert [row["horizon"] for row in card.table()] == ["8 frames, 1 s", "16 frames, 2 s", "24 frames, 3 s"]
    assert [curve.title for curve in card.curves()] == ["Error against horizon", "Position error against horizon"]


def test_a_card_by_hand() -> None:
    """One clip of four frames at 8 a second, written every two: figures are those of the frame at the horizon."""
    still = np.zeros((1, 4))
    card = RolloutCard(
        {
            MODEL: Course(
                np.array([[0.1, 0.2, 0.3, 0.4]]), np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([[0, 0.25, 0, 0.5]])
            ),
            COPY: Course(np.array([[0.2, 0.4, 0.3, 0.2]]), np.array([[4.0, 4.0, 4.0, 5.0]]), still),
            LINEAR: Course(np.full((1, 4), 0.5), np.full((1, 4), 9.0), still),
        },
        frame_rate=8.0,
        chunk=4,
    )
    figures = {name: found.value for name, found in card.figures().items()}
    assert figures == pytest.approx(
        {
            "skill over copy at frame 2": 0.5,
            "skill over copy at frame 4": -1,
            "frames with an error below copy's": 0.5,
            "largest error / copy's over frames": 2,
            "skill over copy, all frames": 1 - 0.25 / 0.275,
            "skill over linear extrapolation, all frames": 0.5,
            "position error / copy's at frame 2": 0.5,
            "position error / copy's at frame 4": 0.8,
        }
    )
    short, long = card.table()
    assert (short["horizon"], long["horizon"]) == ("2 frames, 0.25 s", "4 frames, 0.5 s")
    assert short[f"MSE, {MODEL}"].startswith("0.2000 ") and long[f"MSE, {COPY}"].startswith("0.2000 ")
    assert short[f"position error (px), {COPY}"].startswith("4.0 ") and long["skill over copy"].startswith("-1.00 ")
    assert short["missed"].startswith("25.0% ") and long["missed"].startswith("50.0% ")
    errors, positions = card.curves()
    assert list(errors.x) == [0.125, 0.25, 0.375, 0.5] and list(errors.lines[MODEL]) == [0.1, 0.2, 0.3, 0.4]
    assert list(positions.lines[COPY]) == [4.0, 4.0, 4.0, 5.0]
