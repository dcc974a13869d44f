"""The prediction card by models whose figures are known, and its gates by models that must fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from foresight.evaluation.prediction.card import COPY, EXTENDED, MODEL, NEAREST, TEXT, TRACKER
from foresight.evaluation.prediction.forced_choice import OPTIONS, choose, futures_to_choose_from
from foresight.evaluation.prediction.scoring import evaluate_prediction
from foresight.evaluation.prediction.world_baselines import NearestClip, constant_velocity
from foresight.evaluation.simulated import wrong_instruction
from foresight.metrics.baselines import copy_last_frame
from foresight.physics import Body, PhysicsConfig, SimulatedSplit, make_clip
from foresight.physics.clip import SPLITS
from foresight.physics.render import render
from foresight.world.world_model import WorldModel

CLIPS = 8


def _card(forecast):
    return evaluate_prediction(
        forecast, lambda videos: videos, SimulatedSplit(PhysicsConfig(), "test", CLIPS), library=12
    )


@pytest.fixture(scope="module")
def pairs():
    """Contexts and futures of the clips that are scored."""
    return [(clip.context, clip.future) for clip in SimulatedSplit(PhysicsConfig(), "test", CLIPS)]


def failed(card):
    """Names of the gates that are red."""
    return [gate.name for gate in card.gates() if not gate.holds]


def test_a_copier_has_no_skill_and_is_never_nearer_the_true_future() -> None:
    """Copying the last frame scores exactly as the copy baseline in every figure that compares them; gates fail."""
    card = _card(lambda contexts, instructions, frames: copy_last_frame(contexts, frames))
    figures = card.figures()
    assert figures["skill over copy last frame (MSE)"].value == 0
    assert figures["nearer the true future than the frozen one"].value == 0
    assert figures["forced choice: frozen"].value == 1
    assert figures["position error / copy's"].value == pytest.approx(1)
    assert (card.methods[MODEL].mse == card.methods[COPY].mse).all()
    assert any("copy last frame" in name for name in failed(card)) and any("forced" in name for name in failed(card))


def test_an_oracle_is_perfect(pairs: Any) -> None:
    """Who knows the future has skill 1 at every frame over everything, misses nothing, and passes all gates."""
    known = torch.stack([future for _, future in pairs])
    card = _card(lambda contexts, instructions, frames: known)
    figures = card.figures()
    assert all(figures[f"skill over copy at frame {frame}"].value == 1 for frame in range(1, 17))
    assert all(figures[f"skill over {name} (MSE)"].value == 1 for name in (COPY, NEAREST, TRACKER))
    assert figures["objects missed"].value == 0 and figures["forced choice: true"].value == 1
    assert card.methods[MODEL].sharpness == pytest.approx(1)
    assert failed(card) == []


def test_a_blurring_model_turns_gates_red(pairs: Any) -> None:
    """A mixture of true and frozen future beats copying in squared error; forced choice and sharpness tell on it."""
    blurred = torch.stack([(future + context[:, -1:]) / 2 for context, future in pairs])
    card = _card(lambda contexts, instructions, frames: blurred)
    assert card.figures()["skill over copy last frame (MSE)"].low > 0
    assert any("forced choice" in name for name in failed(card)) and any("sharp" in name for name in failed(card))


def test_shuffled_predictions_turn_gates_red(pairs: Any) -> None:
    """Each clip gets another clip's perfect future, as with shuffled features: sharp, and without any skill."""
    shuffled = torch.stack([future for _, future in pairs]).roll(1, dims=0)
    names = failed(_card(lambda contexts, instructions, frames: shuffled))
    assert any("skill over copy" in name for name in names) and any("forced choice: true" in name for name in names)
    assert not any("sharp" in name for name in names)


def test_an_untrained_model_turns_gates_red(world: WorldModel) -> None:
    """Random weights have no skill over copying."""

    def forecast(contexts, instructions, frames):
        found = world.predict_batch(contexts, instructions, frames)
        return torch.stack([prediction.video[0] for prediction in found])

    assert any("skill over copy" in name for name in failed(_card(forecast)))


def test_several_methods_of_one_model_are_scored() -> None:
    """What a forecaster names besides the prediction gets a row of its own."""

    def forecast(contexts, instructions, frames):
        copies = copy_last_frame(contexts, frames)
        return {MODEL: copies, "the same, darker": copies - 1}

    card = _card(forecast)
    assert (card.methods["the same, darker"].mse > card.methods[MODEL].mse).all()
    assert "the same, darker" in [row["method"] for row in card.table()]


def test_the_extended_context_has_to_be_beaten_and_the_told_video_model_is_a_control(pairs: Any) -> None:
    """A prediction twice as far off as a rival: a red gate if the rival was told nothing, a figure if it was told."""
    known = torch.stack([future for _, future in pairs])
    predicted, better, worse = known + 0.02, known + 0.01, torch.zeros_like(known)
    card = _card(lambda *asked: {MODEL: predicted, EXTENDED: worse, TEXT: better})
    assert card.figures()[f"skill over {TEXT} (MSE)"].value == pytest.approx(-3, rel=1e-3) and failed(card) == []
    card = _card(lambda *asked: {MODEL: predicted, EXTENDED: better, TEXT: worse})
    assert [EXTENDED in name for name in failed(card)] == [True]


def test_fvd_says_when_it_is_absent(pairs: Any) -> None:
    """Without a network there is a row that says so; with one, perfect predictions have no distance."""
    known = torch.stack([future for _, future in pairs])
    assert "absent" in _card(lambda *asked: known).rows()[-1]["value [95 % interval]"]
    card = evaluate_prediction(
        lambda *asked: known,
        lambda videos: videos,
        SimulatedSplit(PhysicsConfig(), "test", CLIPS),
        library=4,
        features=lambda videos: videos.mean(dim=(3, 4)).flatten(1),
    )
    assert card.fvd == pytest.approx(0, abs=1e-6)


def test_the_options_are_what_they_say() -> None:
    """The true future is chosen for itself, each option for each option; blur lies between true and frozen."""
    clips = list(SimulatedSplit(PhysicsConfig(), "validation", 3))
    options = futures_to_choose_from(clips)
    assert options.shape[1] == len(OPTIONS)
    for index in range(len(OPTIONS)):
        assert choose(options[:, index], options).tolist() == [index] * 3
    assert torch.equal(options[0, 4], options[1, 0])


def test_blur_does_not_win_the_forced_choice_by_a_body_a_little_off_its_place() -> None:
    """A body of three pixels, drawn two beside its place: 4 against 5⅓ absolute, 4 against 3⅓ squared."""
    true, frozen, other = torch.zeros(3, 1, 1, 1, 1, 12).unbind()
    true[..., 0:3], frozen[..., 5:8], other[..., 9:12] = 1, 1, 1
    predicted = torch.zeros_like(true)
    predicted[..., 2:5] = 1
    options = torch.stack([true, frozen, (true + frozen + other) / 3, other], dim=1)
    errors = [(predicted[:, None] - options).abs().pow(power).sum(dim=(0, 2, 3, 4, 5)) for power in (1, 2)]
    assert errors[0].tolist() == pytest.approx([4, 6, 5 + 1 / 3, 6])
    assert errors[1].tolist() == pytest.approx([4, 6, 3 + 1 / 3, 6])
    assert choose(predicted, options).tolist() == [0]
    assert choose(predicted, options, power=2).tolist() == [2]


def test_the_nearest_clip_of_a_training_clip_is_itself() -> None:
    """A remembered context returns its own future."""
    clip = make_clip(SPLITS["train"] + 5)
    context, future = clip.context, clip.future
    found = NearestClip(PhysicsConfig(), 12)(context[None], 16)
    assert torch.equal(found[0], future)


def test_the_tracker_follows_straight_motion_and_stops_at_walls() -> None:
    """A ball at 20, 22 px goes on to 24, 26, …; near the wall it comes to rest a radius away from it."""
    ball = (Body("ball", "red", 6.0),)
    for start, expected in ((20.0, [24.0, 26.0, 28.0]), (53.0, [57.0, 58.0, 58.0])):
        positions = np.array([[[start, 30.0]], [[start + 2, 30.0]]])
        context = render(positions, ball, 64).float() / 127.5 - 1
        truth = np.array([[[x, 30.0]] for x in expected])
        found = constant_velocity(context, ball, 3)
        assert float((found - (render(truth, ball, 64).float() / 127.5 - 1)).abs().mean()) < 0.01


def test_the_wrong_instruction_is_another_one_that_fits_the_scene() -> None:
    """It differs from the true one and names only bodies that are there."""
    for seed in range(20):
        clip = make_clip(seed)
        wrong = wrong_instruction(clip)
        assert wrong != clip.instruction
        assert "nothing" in wrong or any(body.name in wrong for body in clip.bodies)
