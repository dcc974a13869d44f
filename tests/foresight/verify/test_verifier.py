"""The verifier: separates, is calibrated, refuses what it was not fitted for, and survives saving."""

from __future__ import annotations

import pytest
import torch

from foresight.verify.calibration import auroc, expected_calibration_error
from foresight.verify.evidence import Gathering
from foresight.verify.verifier import FittedOn, Verifier, fit_verifier, model_fingerprint

INSTRUCTIONS = ("nothing is pushed", "the red ball is pushed up", "the red ball is pushed down", "the red box is gone")


def toy(count, seed):
    """Two signals about right examples, one turned round and skewed, each with noise."""
    generator = torch.Generator().manual_seed(seed)
    right = torch.arange(count) % 2 == 0
    shift = torch.where(right, 1.5, -1.5).double()
    noise = torch.randn(2, count, generator=generator, dtype=torch.float64)
    return {"pixel_ratio": torch.exp(-(shift + noise[0])), "motion": shift + noise[1]}, right


def fitted(model="0" * 64, candidates=2):
    """A verifier of the toy signals, fitted on 2000 examples, every second pair held out."""
    values, right = toy(2000, seed=0)
    held_out = torch.arange(2000) // 2 % 2 == 0
    on = FittedOn(model, "a toy", 1000, 1000, candidates, Gathering(INSTRUCTIONS))
    return fit_verifier(values, right, held_out, coverage=0.9, fitted_on=on)


def test_a_toy_set_is_separated_and_calibrated():
    """On fresh examples AUROC is above .95, the calibration error below .05, and the stated coverage is kept."""
    verifier = fitted()
    values, right = toy(2000, seed=1)
    verdicts = verifier.judge(values)
    probability = torch.tensor([verdict.probability for verdict in verdicts], dtype=torch.float64)
    assert auroc(probability, right).value > 0.95
    assert expected_calibration_error(probability, right) < 0.05
    logits = verifier.logits(values)
    assert float((logits[right] >= verifier.accept_above).double().mean()) > 0.85
    assert float((logits[~right] <= verifier.reject_below).double().mean()) > 0.85


def test_the_verdict_holds_the_signals_it_is_based_on():
    """A verdict repeats the values it was made from, by name."""
    verdict = fitted().judge({"pixel_ratio": torch.tensor([0.25]), "motion": torch.tensor([1.5])})[0]
    assert dict(verdict.signals) == {"pixel_ratio": 0.25, "motion": 1.5}
    assert verdict.probability > 0.9


def test_signals_that_are_missing_are_refused():
    """The message names what is missing."""
    values, _ = toy(4, seed=2)
    del values["motion"]
    with pytest.raises(ValueError, match=r"missing \['motion'\]"):
        fitted().judge(values)


def test_signals_that_were_not_fitted_are_refused():
    """The message names what is too much."""
    values, _ = toy(4, seed=2)
    with pytest.raises(ValueError, match=r"not fitted \['rank'\]"):
        fitted().judge({**values, "rank": torch.zeros(4)})


def test_signals_that_are_not_finite_are_refused():
    """NaN never becomes a probability."""
    values, _ = toy(4, seed=2)
    values["motion"][1] = float("nan")
    with pytest.raises(ValueError, match="finite"):
        fitted().judge(values)


def test_a_saved_verifier_gives_equal_verdicts(tmp_path):
    """After saving and loading, verdicts are equal to the last bit."""
    verifier = fitted()
    verifier.save_pretrained(tmp_path)
    loaded = Verifier.from_pretrained(tmp_path)
    values, _ = toy(50, seed=3)
    assert loaded.judge(values) == verifier.judge(values)
    assert loaded.fitted_on == verifier.fitted_on


def test_another_model_is_refused(world, clip):
    """A verifier judges the model it was fitted for, and no other after one weight has changed."""
    verifier = fitted(model=model_fingerprint(world))
    prediction = world.predict(clip[:, :9], "nothing is pushed", 8, candidates=2)
    observed = clip[None, :, 9:17]
    assert 0 <= verifier.verify(world, [prediction], observed)[0].probability <= 1
    with torch.no_grad():
        next(world.transformer.parameters()).add_(1e-3)
    with pytest.raises(ValueError, match="fitted for"):
        verifier.verify(world, [prediction], observed)


def test_another_number_of_candidates_is_refused(world, clip):
    """Signals of three candidates are not those of two."""
    verifier = fitted(model=model_fingerprint(world))
    prediction = world.predict(clip[:, :9], "nothing is pushed", 8, candidates=3)
    with pytest.raises(ValueError, match="2 candidates"):
        verifier.verify(world, [prediction], clip[None, :, 9:17])
