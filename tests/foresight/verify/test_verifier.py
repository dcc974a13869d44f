"""The verifier: separates, is calibrated, refuses what it was not fitted for, and survives saving."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import foresight
from foresight.errors import UserError
from foresight.metrics.resampling import auroc, calibration_error
from foresight.verify import EvidenceConfig, FittedOn, Verifier, fit_verifier, model_fingerprint
from foresight.verify.classifier import fit_classifier
from foresight.verify.examples import Examples, Samples
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel

INSTRUCTIONS = ("nothing is pushed", "the red ball is pushed up", "the red ball is pushed down", "the red box is gone")


def toy(count, seed, noise=1.0):
    """Two signals about right examples, one turned round and skewed, each with noise."""
    generator = torch.Generator().manual_seed(seed)
    right = torch.arange(count) % 2 == 0
    shift = torch.where(right, 1.5, -1.5).double()
    draws = noise * torch.randn(2, count, generator=generator, dtype=torch.float64)
    return {"pixel_ratio": torch.exp(-(shift + draws[0])), "motion": shift + draws[1]}, right


def toy_samples(clips=200, seed=5):
    """Four candidates per clip, the nearer to the middle the likelier within 6.5 pixels."""
    generator = torch.Generator().manual_seed(seed)
    eccentricity = 1 + 0.3 * torch.randn(clips, 4, generator=generator)
    position_error = 6.5 + 10 * (eccentricity - 1) + 2 * torch.randn(clips, 4, generator=generator)
    spread = torch.rand(clips, 1, generator=generator).expand(clips, 4)
    values = {"eccentricity": eccentricity, "spread": spread}
    return Samples(values, position_error, torch.zeros(clips, dtype=torch.long), tuple(range(clips)))


def ranked(scores, right):
    """AUROC of examples that count alike."""
    return float(auroc(scores.double(), right, torch.ones(1, len(right)).double()))


def calibration(probability, right):
    """Calibration error of examples that count alike."""
    return float(calibration_error(probability.double(), right, torch.ones(1, len(right)).double()))


def errors(values):
    """A prediction is correct where the motion agrees very well: few of the right outcomes, none of the others."""
    return torch.where(values["motion"] > 2, 1.0, 20.0)


def fitted(model="0" * 64, candidates=2, samples=None, count=2000):
    """A verifier of the toy signals; after eight frames they are noisier than after sixteen."""
    after_16, right = toy(count, seed=0)
    after_8, _ = toy(count, seed=4, noise=2.0)
    kinds = tuple("true" if one else "reversed" for one in right)
    examples = Examples({8: after_8, 16: after_16}, kinds, tuple(row // 2 for row in range(count)), errors(after_16))
    on = FittedOn(model, "a toy", count // 2, count, candidates, EvidenceConfig(INSTRUCTIONS))
    return fit_verifier(examples, samples or toy_samples(), coverage=0.9, fitted_on=on)


def test_a_toy_set_is_separated_and_calibrated() -> None:
    """On fresh examples AUROC is above .95, the calibration error below .03, and every stated coverage is kept."""
    verifier = fitted(count=8000)
    values, right = toy(16000, seed=1)
    logits = verifier.logits(values)
    assert ranked(torch.sigmoid(logits), right) > 0.95
    assert calibration(torch.sigmoid(logits), right) < 0.03
    for coverage in (0.8, 0.9, 0.95):
        above, below = verifier.fitted.outcome[16].thresholds(coverage)
        assert float((logits[right] >= above).double().mean()) == pytest.approx(coverage, abs=0.025)
        assert float((logits[~right] <= below).double().mean()) == pytest.approx(coverage, abs=0.025)
        verdicts = verifier.at(coverage).judge({name: value[:8] for name, value in values.items()})
        expected = [verifier.fitted.outcome[16].decide(float(logit), coverage) for logit in logits[:8]]
        assert [verdict.decision for verdict in verdicts] == expected


def test_stated_coverages_have_no_bias() -> None:
    """What conformal prediction promises holds over draws of the calibration set; one of 2,000 is off by 1.5 points."""
    kept = {(coverage, label): [] for coverage in (0.8, 0.9, 0.95) for label in ("right", "wrong")}
    for seed in range(8):
        values, right = toy(2000, seed=100 + seed)
        head = fit_classifier(values, right, torch.arange(2000) // 2)
        fresh, label = toy(4000, seed=200 + seed)
        logits = head.logits(fresh)
        for coverage in (0.8, 0.9, 0.95):
            above, below = head.thresholds(coverage)
            kept[coverage, "right"].append(float((logits[label] >= above).double().mean()))
            kept[coverage, "wrong"].append(float((logits[~label] <= below).double().mean()))
    for (coverage, _), shares in kept.items():
        assert sum(shares) / len(shares) == pytest.approx(coverage, abs=0.015)


def test_part_of_the_observation_has_a_calibration_of_its_own() -> None:
    """The same values are less sure after eight frames, where the signals were noisier, than after sixteen."""
    verifier = fitted()
    values, _ = toy(100, seed=2)
    early, late = verifier.logits(values, 8), verifier.logits(values, 16)
    assert float(early.abs().mean()) < 0.7 * float(late.abs().mean())
    noisy, right = toy(4000, seed=3, noise=2.0)
    assert calibration(torch.sigmoid(verifier.logits(noisy, 8)), right) < 0.03
    assert verifier.reach(15) == 8 and verifier.reach(400) == 16
    with pytest.raises(UserError, match="at least 8"):
        verifier.reach(7)
    with pytest.raises(ValueError, match="8 or 16"):
        verifier.judge(values, 12)


def test_the_verdict_holds_the_signals_it_is_based_on() -> None:
    """A verdict repeats the values it was made from, by name."""
    verdict = fitted().judge({"pixel_ratio": torch.tensor([0.25]), "motion": torch.tensor([1.5])})[0]
    assert dict(verdict.signals) == {"pixel_ratio": 0.25, "motion": 1.5}
    assert verdict.probability > 0.9


def test_an_outcome_can_be_as_told_and_the_prediction_miss_it() -> None:
    """Hits have a calibration of their own: here only the upper part of what was as told, motion above 2, is a hit."""
    verifier = fitted()
    values, right = toy(4000, seed=1)
    hit = errors(values) < 6.5
    verdicts = verifier.judge(values)
    said = torch.tensor([verdict.prediction_correct for verdict in verdicts])
    assert ranked(said, hit) > 0.95 > ranked(torch.tensor([v.probability for v in verdicts]), hit)
    # Both labels weigh alike in a fit, so they do here.
    weights = torch.where(hit, 0.5 / hit.double().mean(), 0.5 / (~hit).double().mean())
    sure = said > 0.5
    assert float((weights * sure * hit).sum() / (weights * sure).sum()) > 0.85
    missed = right & ~hit & (values["motion"] < 1.5)
    assert float(torch.tensor([v.probability for v in verdicts])[missed].mean()) > 2 * float(said[missed].mean())
    assert all(verdict.confidence == verdict.prediction_correct for verdict in verdicts)


def test_where_every_prediction_missed_nothing_is_said_of_hits(tmp_path: Path) -> None:
    """A verdict then relies on what happened alone, also after saving."""
    after_8, right = toy(400, seed=0)
    kinds = tuple("true" if one else "reversed" for one in right)
    never = Examples({8: after_8}, kinds, tuple(row // 2 for row in range(400)), torch.full((400,), 30.0))
    on = FittedOn("0" * 64, "a toy", 200, 400, 2, EvidenceConfig(INSTRUCTIONS))
    fit_verifier(never, toy_samples(), coverage=0.9, fitted_on=on).save_pretrained(tmp_path)
    verdict = Verifier.from_pretrained(tmp_path).judge({name: value[:1] for name, value in after_8.items()})[0]
    assert verdict.prediction_correct is None and verdict.confidence == verdict.probability


def test_signals_that_are_missing_are_refused() -> None:
    """The message names what is missing."""
    values, _ = toy(4, seed=2)
    del values["motion"]
    with pytest.raises(ValueError, match=r"missing \['motion'\]"):
        fitted().judge(values)


def test_signals_that_were_not_fitted_are_refused() -> None:
    """The message names what is too much."""
    values, _ = toy(4, seed=2)
    with pytest.raises(ValueError, match=r"not fitted \['rank'\]"):
        fitted().judge({**values, "rank": torch.zeros(4)})


def test_signals_that_are_not_finite_are_refused() -> None:
    """NaN never becomes a probability."""
    values, _ = toy(4, seed=2)
    values["motion"][1] = float("nan")
    with pytest.raises(ValueError, match="finite"):
        fitted().judge(values)


def test_a_saved_verifier_gives_equal_verdicts(tmp_path: Path) -> None:
    """After saving and loading, verdicts are equal to the last bit."""
    verifier = fitted()
    verifier.save_pretrained(tmp_path)
    loaded = Verifier.from_pretrained(tmp_path)
    values, _ = toy(50, seed=3)
    assert loaded.judge(values) == verifier.judge(values) and loaded.judge(values, 8) == verifier.judge(values, 8)
    assert loaded.fitted_on == verifier.fitted_on and loaded.plausibilities == ("eccentricity", "spread")
    assert loaded.fitted.prior is not None and verifier.fitted.prior is not None
    assert torch.equal(loaded.fitted.prior.logits(few()), verifier.fitted.prior.logits(few()))


def test_files_keep_their_keys(tmp_path: Path) -> None:
    """Keys in both files are those of the embedded verifier, an earlier version's: either version reads the other's."""
    fitted().save_pretrained(tmp_path)
    folder = Path(foresight.__file__).parent / "models" / "foresight-tiny" / "verifier"
    ours, theirs = (json.loads((where / "verifier.json").read_text()) for where in (tmp_path, folder))
    assert ours.keys() == theirs.keys() and ours["fitted_on"].keys() == theirs["fitted_on"].keys()
    assert ours["fitted_on"]["gathering"].keys() == theirs["fitted_on"]["gathering"].keys()
    levels = Verifier.from_pretrained(folder).fitted_on.evidence.prior_sigmas
    assert list(levels) == theirs["fitted_on"]["gathering"]["prospect_sigmas"]
    ours, theirs = (
        {re.sub(r"(isotonic|platt)\..*", "", key) for key in load_file(where / "verifier.safetensors")}
        for where in (tmp_path, folder)
    )
    assert ours == theirs


def few():
    """Plausibilities of three candidates."""
    return {"eccentricity": torch.tensor([0.8, 1.0, 1.2]), "spread": torch.full((3,), 0.5)}


def test_without_observation_candidates_are_ranked_by_calibrated_probabilities() -> None:
    """Nearer to the middle is more probable, nothing is certain, and probabilities are those of fresh candidates."""
    head = fitted().fitted.prior
    assert head is not None
    near, middle, far = torch.sigmoid(head.logits(few())).tolist()
    assert 0.99 > near > middle > far > 0.01
    fresh = toy_samples(2000, seed=9)
    logits = head.logits({name: value.flatten() for name, value in fresh.values.items()})
    assert calibration(torch.sigmoid(logits), fresh.right.flatten()) < 0.06


def test_a_model_is_ranked_in_batches_as_alone(world: WorldModel, clip: Tensor) -> None:
    """Each candidate of each prediction gets a probability, the same alone and beside another clip."""
    verifier = fitted(model=model_fingerprint(world), candidates=4)
    contexts = torch.stack([clip[:, :9], clip[:, 8:17]])
    predictions = world.predict_batch(contexts, ["nothing is pushed", "the red ball is pushed up"], 8, Sampling(4))
    together = verifier.rank_batch(world, predictions)
    assert together.shape == (2, 4) and bool(((together > 0) & (together < 1)).all())
    assert torch.allclose(verifier.rank(world, predictions[1]), together[1], atol=1e-4)
    foreseen = verifier.verify_unseen(world, predictions[1])
    assert torch.tensor([one.prediction_correct for one in foreseen]).tolist() == pytest.approx(
        together[1].tolist(), abs=1e-4
    )
    assert all(one.frames == 0 and set(verifier.contributions(one)) == {"eccentricity", "spread"} for one in foreseen)


def test_ranking_needs_candidates_and_plausibilities(world: WorldModel, clip: Tensor) -> None:
    """Two candidates cannot say which is in the middle; a verifier without plausibilities cannot rank at all."""
    samples = Samples({}, torch.zeros(10, 4), torch.zeros(10, dtype=torch.long), tuple(range(10)))
    prediction = world.predict(clip[:, :9], "nothing is pushed", 8, candidates=2)
    for verifier, remedy in (
        (fitted(model_fingerprint(world)), "more candidates"),
        (fitted(model_fingerprint(world), samples=samples), "more candidates"),
    ):
        with pytest.raises(UserError, match=remedy):
            verifier.rank(world, prediction)
    three = world.predict(clip[:, :9], "nothing is pushed", 8, candidates=3)
    with pytest.raises(UserError, match="fitted with plausibilities"):
        fitted(model_fingerprint(world), samples=samples).rank(world, three)


def test_a_world_without_verifier_says_how_to_go_on(tmp_path: Path) -> None:
    """A world model of one's own has none at first: fit one, or do without."""
    (tmp_path / "model_index.json").write_text("{}")
    with pytest.raises(UserError, match=r"got none; fit one with .* or go without: verifier=none") as refused:
        Verifier.from_pretrained(tmp_path)
    assert "Errno" not in str(refused.value)


@pytest.mark.parametrize("change", ["extra", "missing", "cut", "nan"])
def test_a_damaged_verifier_is_refused(change: str, tmp_path: Path) -> None:
    """A tensor too many or too few, NaN in one, or half a file: one sentence that says what to do."""
    fitted().save_pretrained(tmp_path)
    path = tmp_path / "verifier.safetensors"
    tensors = load_file(path)
    if change == "extra":
        save_file({**tensors, "8.luck": torch.zeros(1)}, path)
    elif change == "missing":
        del tensors["16.combination.knots"]
        save_file(tensors, path)
    elif change == "nan":
        tensors["16.combination.knots"].view(-1)[0] = torch.nan
        save_file(tensors, path)
    else:
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="fit-verifier"):
        Verifier.from_pretrained(tmp_path)


def test_another_model_is_refused(world: WorldModel, clip: Tensor) -> None:
    """A verifier judges the model it was fitted for, and no other after one weight has changed."""
    verifier = fitted(model=model_fingerprint(world))
    prediction = world.predict(clip[:, :9], "nothing is pushed", 8, candidates=2)
    observed = clip[None, :, 9:17]
    assert 0 <= verifier.verify(world, [prediction], observed)[0].probability <= 1
    with pytest.raises(UserError, match=r"observed\[None\]"):
        verifier.verify(world, [prediction], observed[0])
    with torch.no_grad():
        next(world.transformer.parameters()).add_(1e-3)
    with pytest.raises(ValueError, match="fitted for"):
        verifier.verify(world, [prediction], observed)


def test_another_number_of_candidates_is_refused(world: WorldModel, clip: Tensor) -> None:
    """Signals of three candidates are not those of two."""
    verifier = fitted(model=model_fingerprint(world))
    prediction = world.predict(clip[:, :9], "nothing is pushed", 8, candidates=3)
    with pytest.raises(ValueError, match="2 candidates"):
        verifier.verify(world, [prediction], clip[None, :, 9:17])
