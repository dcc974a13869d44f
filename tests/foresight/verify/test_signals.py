"""Signals have their stated meaning: 1 for the frozen frame, near 0 for a perfect prediction, hand values between."""

from __future__ import annotations

import pytest
import torch

from foresight.verify.evidence import Evidence, Gathering, gather
from foresight.verify.signals import SIGNALS, signal


def evidence(predicted, latents):
    """One clip: black context, grey future, latents of 0 for the frozen frame and of 1 for what happened.

    Args:
        predicted: brightness of each candidate, in [−1, 1].
        latents: value of each candidate's latents.
    """
    return Evidence(
        context=torch.full((1, 3, 9, 16, 16), -1.0),
        predicted=torch.stack([torch.full((3, 8, 16, 16), value) for value in predicted])[None],
        predicted_latents=torch.stack([torch.full((2, 1, 2, 2), value) for value in latents])[None],
        observed=torch.zeros(1, 3, 8, 16, 16),
        observed_latents=torch.ones(1, 2, 1, 2, 2),
        frozen_latents=torch.zeros(1, 2, 1, 2, 2),
    )


def measured(name, predicted, latents):
    return float(signal(name)(evidence(predicted, latents)))


@pytest.mark.parametrize("name", ["pixel_ratio", "structure_ratio", "latent_ratio"])
def test_a_ratio_is_one_for_the_frozen_frame(name):
    """Predicting the last context frame standing still scores exactly 1."""
    assert measured(name, [-1.0, -1.0], [0.0, 0.0]) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("name", ["pixel_ratio", "structure_ratio", "latent_ratio"])
def test_a_ratio_is_near_zero_for_a_perfect_prediction(name):
    """Predicting exactly what happened scores no more than the floor allows."""
    assert 0 <= measured(name, [0.0, 0.0], [1.0, 1.0]) < 0.011


def test_pixel_distances_are_those_of_the_book():
    """Half of the brightness off is an error of ¼ on the [0, 1] scale; candidates are averaged."""
    assert measured("pixel", [-1.0], [0.0]) == pytest.approx(0.25)
    assert measured("pixel", [-1.0, 0.0], [0.0, 0.0]) == pytest.approx(0.125)
    assert measured("pixel_ratio", [-1.0, 0.0], [0.0, 0.0]) == pytest.approx((0.125 + 1e-4) / (0.25 + 1e-4))


def test_the_latent_ratio_takes_the_nearest_candidate():
    """Of candidates at ¾ and 3 from what happened, ¾ counts."""
    assert measured("latent_ratio", [0.0, 0.0], [0.25, 4.0]) == pytest.approx((0.75 + 0.01) / (1 + 0.01))


def test_the_latent_spread_is_a_z_score():
    """Candidates at 2 and 4: mean 3, deviation 1, so what happened at 1 is 2 deviations away."""
    assert measured("latent_spread", [0.0, 0.0], [2.0, 4.0]) == pytest.approx(2.0)


def test_the_cloud_of_candidates_has_hand_values():
    """Candidates at 2 and 4, what happened at 1: disagreement 2, energy (2 − 1) / 2; a tie in rank counts."""
    assert measured("disagreement", [0.0, 0.0], [2.0, 4.0]) == pytest.approx(2.0)
    assert measured("energy", [0.0, 0.0], [2.0, 4.0]) == pytest.approx(0.5)
    assert measured("rank", [0.0, 0.0], [2.0, 4.0]) == 1.0
    assert measured("rank", [0.0, 0.0], [2.0, 2.5]) == 0.0
    assert measured("disagreement", [0.0], [2.0]) == 0.0


def test_a_signal_that_does_not_exist_is_refused():
    """The message lists those that do."""
    with pytest.raises(ValueError, match="pixel_ratio"):
        signal("luck")


def test_every_signal_gives_one_finite_figure_per_clip(world, clip):
    """On evidence of a real pass of the model, each signal has one finite value per clip."""
    contexts = torch.stack([clip[:, :9], clip[:, 8:17]])
    sentences = ["nothing is pushed", "the red ball is pushed up"]
    predictions = world.predict_batch(contexts, sentences, 8, candidates=2)
    how = Gathering(("nothing is pushed", "the red ball is pushed up", "the red ball is pushed down"), count=1)
    found = gather(world, predictions, torch.stack([clip[:, 9:17], clip[:, 17:25]]), {"flow", "states"}, how)
    for name, one in SIGNALS.items():
        value = one(found)
        assert value.shape == (2,) and bool(value.isfinite().all()), name
