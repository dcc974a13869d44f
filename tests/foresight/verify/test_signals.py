"""Signals have their stated meaning: 1 for the frozen frame, near 0 for a perfect prediction, hand values between."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from foresight.errors import UserError
from foresight.physics import make_clip
from foresight.verify.evidence.builder import EvidenceBuilder
from foresight.verify.evidence.need import Need
from foresight.verify.evidence.records import Evidence, EvidenceConfig, FlowLosses
from foresight.verify.signals import SIGNALS, signal
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel


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
        copy_latents=torch.zeros(1, 2, 1, 2, 2),
    )


def measured(name, predicted, latents):
    return float(signal(name)(evidence(predicted, latents)))


@pytest.mark.parametrize("name", ["pixel_ratio", "structure_ratio", "latent_ratio"])
def test_a_ratio_is_one_for_the_frozen_frame(name: str) -> None:
    """Predicting the last context frame standing still scores exactly 1."""
    assert measured(name, [-1.0, -1.0], [0.0, 0.0]) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("name", ["pixel_ratio", "structure_ratio", "latent_ratio"])
def test_a_ratio_is_near_zero_for_a_perfect_prediction(name: str) -> None:
    """Predicting exactly what happened scores no more than the floor allows."""
    assert 0 <= measured(name, [0.0, 0.0], [1.0, 1.0]) < 0.011


def test_pixel_distances_are_those_of_the_book() -> None:
    """Half of the brightness off is an error of ¼ on the [0, 1] scale; candidates are averaged."""
    assert measured("pixel", [-1.0], [0.0]) == pytest.approx(0.25)
    assert measured("pixel", [-1.0, 0.0], [0.0, 0.0]) == pytest.approx(0.125)
    assert measured("pixel_ratio", [-1.0, 0.0], [0.0, 0.0]) == pytest.approx((0.125 + 1e-4) / (0.25 + 1e-4))


def test_the_latent_ratio_takes_the_nearest_candidate() -> None:
    """Of candidates at ¾ and 3 from what happened, ¾ counts."""
    assert measured("latent_ratio", [0.0, 0.0], [0.25, 4.0]) == pytest.approx((0.75 + 0.01) / (1 + 0.01))


def test_the_latent_spread_is_a_z_score() -> None:
    """Candidates at 2 and 4: mean 3, deviation 1, so what happened at 1 is 2 deviations away."""
    assert measured("latent_spread", [0.0, 0.0], [2.0, 4.0]) == pytest.approx(2.0)


def test_the_cloud_of_candidates_has_hand_values() -> None:
    """Candidates at 2 and 4, what happened at 1: disagreement 2, energy (2 − 1) / 2; a tie in rank counts."""
    assert measured("disagreement", [0.0, 0.0], [2.0, 4.0]) == pytest.approx(2.0)
    assert measured("energy", [0.0, 0.0], [2.0, 4.0]) == pytest.approx(0.5)
    assert measured("rank", [0.0, 0.0], [2.0, 4.0]) == 1.0
    assert measured("rank", [0.0, 0.0], [2.0, 2.5]) == 0.0
    assert measured("disagreement", [0.0], [2.0]) == 0.0


def test_a_signal_that_does_not_exist_is_refused() -> None:
    """The message lists those that do."""
    with pytest.raises(ValueError, match="pixel_ratio"):
        signal("luck")


def test_the_latent_distance_is_a_mean_over_candidates() -> None:
    """Candidates at ¾ and 3 from what happened are 1.875 away on average."""
    assert measured("latent", [0.0, 0.0], [0.25, 4.0]) == pytest.approx(1.875)


def test_flow_signals_are_contrasts_of_losses() -> None:
    """Half the error of the alternative is log 2, whatever it is contrasted with; the best other instruction counts."""
    flow = FlowLosses(
        observed=torch.tensor([[1.0, 3.0]]),
        copy_last_frame=torch.tensor([[2.0, 6.0]]),
        others=torch.tensor([[[9.0, 9.0], [1.0, 7.0]]]),
        unconditional=torch.tensor([[4.0, 3.0]]),
        candidates=torch.tensor([[[1.0, 1.0], [3.0, 11.0]]]),
    )
    one = replace(evidence([0.0], [0.0]), flow=flow)
    expected = {"flow_loss": 2, "flow_frozen": math.log(2), "flow_instruction": math.log(2), "flow_told": math.log(2)}
    for name, value in (expected | {"flow_typicality": -math.log(2)}).items():
        assert float(signal(name)(one)) == pytest.approx(value, abs=1e-6), name
    for name in ("flow_instruction", "flow_told", "flow_typicality"):
        with pytest.raises(ValueError, match="needs"):
            signal(name)(replace(one, flow=FlowLosses(flow.observed, flow.copy_last_frame)))


def happened(*frames):
    """Evidence of a black last context frame and one row of grey values for each frame that happened."""
    observed = torch.tensor(frames)[None, None, :, None].expand(1, 3, -1, -1, -1)
    return replace(evidence([0.0], [0.0]), context=torch.zeros(1, 3, 1, 1, observed.shape[-1]), observed=observed)


def test_permanence_does_not_care_where_pixels_went() -> None:
    """A body that moves is still there; of one that halves its brightness, half a unit on one pixel of four is gone."""
    moved = happened(*[[0.0, 1.0, 0.0, 0.0]] * 4)
    before = replace(moved, context=torch.tensor([1.0, 0.0, 0.0, 0.0]).expand(1, 3, 1, 1, 4))
    assert float(signal("permanence")(before)) == 0.0
    faded = replace(before, observed=before.observed / 2)
    assert float(signal("permanence")(faded)) == pytest.approx(0.5 / 4)


def test_continuity_compares_the_seam_with_what_follows() -> None:
    """A jump of 2 and steps of 1 then: four times the squared change; even steps and standing still are 0."""
    even = happened([1.0], [2.0], [3.0], [4.0])
    jump = happened([2.0], [3.0], [4.0], [5.0])
    assert float(signal("continuity")(even)) == pytest.approx(0.0, abs=1e-5)
    assert float(signal("continuity")(jump)) == pytest.approx(math.log(4), abs=1e-4)
    assert float(signal("continuity")(happened([0.0], [0.0]))) == 0.0


@pytest.mark.parametrize("name", [name for name, one in SIGNALS.items() if one.needs])
def test_a_signal_without_what_it_needs_says_so(name: Any) -> None:
    """No signal invents a value."""
    with pytest.raises(ValueError, match="needs"):
        signal(name)(evidence([0.0], [0.0]))
    assert SIGNALS[name].needs <= set(Need)


def test_perceptual_distance_says_what_is_absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the backbone's weights nothing is downloaded or made up."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert SIGNALS["lpips"].absent() is not None
    with pytest.raises(UserError, match="lpips"):
        measured("lpips", [0.0], [0.0])


HOW = EvidenceConfig(("nothing is pushed", "the red ball is pushed up", "the red ball is pushed down"), count=1)


@pytest.fixture(scope="module")
def embedded():
    """The embedded world model: random weights recognise nothing."""
    return WorldModel.from_pretrained("foresight-tiny")


@pytest.fixture
def predictions(world, clip):
    """Two clips with two candidates each."""
    contexts = torch.stack([clip[:, :9], clip[:, 8:17]])
    return world.predict_batch(contexts, ["nothing is pushed", "the red ball is pushed up"], 16, Sampling(2))


def test_every_signal_gives_one_finite_figure_per_clip(world: WorldModel, clip: Tensor, predictions: Any) -> None:
    """On evidence of a real pass of the model, each signal that can be measured here has one finite value per clip."""
    found = EvidenceBuilder(world, predictions, Need, HOW).evidence(torch.stack([clip[:, 9:17], clip[:, 17:25]]))
    for name, one in SIGNALS.items():
        if one.absent() is None:
            value = one(found)
            assert value.shape == (2,) and bool(value.isfinite().all()), name


def test_what_outcomes_share_changes_nothing(world: WorldModel, clip: Tensor, predictions: Any) -> None:
    """Evidence for a second outcome, and for its first half by latents of the whole, is as if it were alone."""
    builder = EvidenceBuilder(world, predictions, {"flow", "flow_others", "flow_unconditional", "flow_candidates"}, HOW)
    first, second = torch.stack([clip[:, 9:25]] * 2), torch.stack([clip[:, 9:25].flip(1)] * 2)
    builder.evidence(first)
    latents = builder.encode(second)
    for frames in (8, 16):
        shared = builder.evidence(second[:, :, :frames], latents[:, :, : frames // 8])
        alone = EvidenceBuilder(world, predictions, builder.needs, HOW).evidence(second[:, :, :frames])
        assert shared.flow is not None and alone.flow is not None
        for name in ("observed_latents", "copy_latents", "predicted_latents", "observed", "predicted"):
            assert torch.allclose(getattr(shared, name), getattr(alone, name), atol=1e-5), name
        for name in ("observed", "copy_last_frame", "others", "unconditional", "candidates"):
            assert torch.allclose(getattr(shared.flow, name), getattr(alone.flow, name), rtol=1e-4), name


def test_evidence_needs_frames_that_fit(world: WorldModel, clip: Tensor, predictions: Any) -> None:
    """Seven frames, another size, NaN and an unknown need are refused."""
    builder = EvidenceBuilder(world, predictions, (), HOW)
    seen = torch.stack([clip[:, 9:25]] * 2)
    for wrong in (seen[:, :, :7], seen[..., :32], seen[:1]):
        with pytest.raises(UserError, match="at least 8"):
            builder.evidence(wrong)
    with pytest.raises(ValueError, match="finite"):
        builder.evidence(seen * float("nan"))
    with pytest.raises(ValueError, match=r"needs out of .* got luck"):
        EvidenceBuilder(world, predictions, {"luck"}, HOW)


def test_no_candidate_meets_its_own_noise(embedded: Any) -> None:
    """The first candidates' losses differ no more from the others' than those differ: noise is drawn with another seed.

    With the sampler's own seed, candidate 0 would be explained far better than any other.
    """
    clips = [make_clip(seed) for seed in (30_000_001, 30_000_002)]
    contexts = torch.stack([one.tensor[:, :9] for one in clips])
    predictions = embedded.predict_batch(contexts, [one.instruction for one in clips], 16, Sampling(4))
    losses = {}
    for seed in (EvidenceConfig.seed, 0):
        how = replace(HOW, seed=seed)
        losses[seed] = EvidenceBuilder(embedded, predictions, {"prior_flow"}, how).prior().conditional.mean(dim=2)
    first, others = losses[0][:, 0], losses[0][:, 1:].amin(dim=1)
    assert bool((first < 0.8 * others).all())
    first, others = losses[EvidenceConfig.seed][:, 0], losses[EvidenceConfig.seed][:, 1:].amin(dim=1)
    assert not bool((first < 0.8 * others).all())
