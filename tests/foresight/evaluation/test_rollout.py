"""The rollout card: zero error for the truth, no skill for a copy, and figures per horizon."""

from __future__ import annotations

import pytest
import torch

from foresight.evaluation.baselines import copy_last_frame
from foresight.evaluation.rollout import COPY, MODEL, roll_out
from foresight.physics import PhysicsConfig, make_clip

PHYSICS = PhysicsConfig(frames=33)
SEEDS = range(30_000_000, 30_000_003)


def test_the_truth_has_no_error_and_skill_one_at_every_horizon():
    """A forecaster that knows the future: error 0 everywhere, and every frame below copy's."""
    clips = torch.stack([make_clip(seed, PHYSICS).tensor for seed in SEEDS])
    card = roll_out(lambda contexts, words, frames: clips[:, :, -frames:], SEEDS, PHYSICS, chunk=16)
    figures = card.figures()
    assert card.horizons == [8, 16, 24] and card.courses[MODEL].mse.shape == (3, 24)
    assert float(card.courses[MODEL].mse.max()) == 0 and figures["skill over copy at frame 24"].value == 1
    assert figures["frames with an error below copy's"].value == 1
    assert float(card.courses[MODEL].position.mean()) < 1


def test_a_copy_has_no_skill():
    """A forecaster that copies has copy's course, skill 0, and no frame below it."""
    card = roll_out(lambda contexts, words, frames: copy_last_frame(contexts, frames), SEEDS, PHYSICS, chunk=16)
    figures = card.figures()
    assert (card.courses[MODEL].mse == card.courses[COPY].mse).all()
    assert figures["skill over copy at frame 16"].value == pytest.approx(0)
    assert figures["frames with an error below copy's"].value == 0
    assert figures["largest error / copy's over frames"].value == pytest.approx(1)
    assert [row["horizon"] for row in card.table()] == ["8 frames, 1 s", "16 frames, 2 s", "24 frames, 3 s"]
    assert [curve.title for curve in card.curves()] == ["Error against horizon", "Position error against horizon"]
