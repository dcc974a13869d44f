import pytest
import torch

from foresight.evaluation.baselines import copy_last_frame
from foresight.evaluation.prediction import COPY, MODEL, evaluate_prediction, split_clip, wrong_instruction
from foresight.physics import PhysicsConfig, make_clip
from foresight.physics.clip import SPLITS

CLIPS = 8


def _card(forecast):
    return evaluate_prediction(forecast, lambda videos: videos, clips=CLIPS, physics=PhysicsConfig())


def test_a_copier_has_no_skill_and_is_never_nearer_the_true_future():
    """Copying the last frame scores exactly as the copy baseline, in every figure that compares them."""
    card = _card(lambda contexts, instructions, frames: copy_last_frame(contexts, frames))
    figures = card.figures()
    assert (
        figures["skill over copy (MSE)"].value == 0 and figures["nearer the true future than the frozen one"].value == 0
    )
    assert figures["position error / copy's"].value == pytest.approx(1)
    assert (card.methods[MODEL].mse == card.methods[COPY].mse).all()


def test_an_oracle_is_perfect():
    """Who knows the future has skill 1 at every frame, misses nothing, and is as sharp as what happens."""
    known = torch.stack([split_clip(make_clip(SPLITS["test"] + seed))[1] for seed in range(CLIPS)])
    card = _card(lambda contexts, instructions, frames: known)
    figures = card.figures()
    assert all(figures[f"skill over copy at frame {frame}"].value == 1 for frame in range(1, 17))
    assert figures["objects missed"].value == 0 and figures["nearer the true future than the frozen one"].value == 1
    assert card.methods[MODEL].sharpness == pytest.approx(1)


def test_blur_is_seen():
    """An average of true and frozen future beats copying in MSE, but its sharpness betrays it."""
    pairs = [split_clip(make_clip(SPLITS["test"] + seed)) for seed in range(CLIPS)]
    blurred = torch.stack([(future + context[:, -1:]) / 2 for context, future in pairs])
    card = _card(lambda contexts, instructions, frames: blurred)
    assert card.figures()["skill over copy (MSE)"].low > 0
    assert card.methods[MODEL].sharpness.mean() < 0.8


def test_the_wrong_instruction_is_another_one_that_fits_the_scene():
    """It differs from the true one and names only bodies that are there."""
    for seed in range(20):
        clip = make_clip(seed)
        wrong = wrong_instruction(clip)
        assert wrong != clip.instruction
        assert "nothing" in wrong or any(body.name in wrong for body in clip.bodies)
