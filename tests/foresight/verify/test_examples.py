"""Clips as examples: true and false outcomes in turn, candidates by true states, and a fit from end to end."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from foresight.physics import PhysicsConfig, make_clip
from foresight.physics.counterfactual import counterfactual
from foresight.verify import EvidenceConfig, Measurements, SimulatedCases, collect, fit_on_cases
from foresight.verify.cases import TRUE
from foresight.verify.correctness import worst_position_error
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel

WORLD = PhysicsConfig()
KINDS = ("other_action", "reversed", "other_gravity", "swapped_object")
HOW = EvidenceConfig(
    ("nothing is pushed", "the red ball is pushed up", "the red ball is pushed down"), count=1, sigmas=(0.5,)
)


def measurements(**options):
    """Two cheap signals and one plausibility of three candidates."""
    chosen = {"signals": ("latent_ratio", "flow_frozen"), "plausibilities": ("eccentricity",), "frames": (8, 16)}
    return Measurements(**{**chosen, "candidates": 3, "evidence": HOW, **options})


def cases(clips, split="calibration"):
    """Clips with two wrong futures each."""
    return SimulatedCases(clips=clips, split=split, physics=WORLD, kinds=KINDS, negatives=2)


def test_a_true_future_is_not_misplaced() -> None:
    """The clip's own future lies within the tracker's third of a pixel, a frozen one as far as bodies move."""
    clip = make_clip(3)
    future = clip.tensor[:, 9:]
    frozen = clip.tensor[:, 8:9].expand(-1, 16, -1, -1)
    found = worst_position_error(torch.stack([future, frozen]), clip)
    moved = (clip.positions[9:] - clip.positions[8]).norm(dim=-1).mean(dim=0).max()
    assert float(found[0]) < 1 and float(found[1]) == pytest.approx(float(moved), abs=1)
    gone = counterfactual(clip, "removed")
    assert worst_position_error(future[None], gone).tolist() == [float("inf")], (
        "nothing can be right about what is gone"
    )


def test_examples_take_turns_and_batches_change_nothing(world: WorldModel) -> None:
    """Each clip gives its true and its share of false outcomes; in one batch or in two, the values are the same."""
    once = collect(world, measurements(), cases(4, "validation"))
    twice = collect(world, measurements(), cases(4, "validation"), batch=2)
    examples, samples = once
    assert examples.kinds.count(TRUE) == 4 and set(examples.kinds) == {TRUE, *KINDS}
    assert len(examples.clips) == len(examples.kinds) == len(examples.values[8]["latent_ratio"]) <= 12
    assert samples.position_error.shape == samples.values["eccentricity"].shape == (4, 3)
    middle = samples.position_error[torch.arange(4), samples.medoid]
    assert torch.equal(examples.position_error[examples.right], middle), "this model shows the candidate in the middle"
    swapped = torch.tensor([kind == "swapped_object" for kind in examples.kinds])
    assert torch.equal(examples.position_error.isinf(), swapped), "nothing that was seen becomes something else"
    for frames in (8, 16):
        for name, values in examples.values[frames].items():
            row = {
                key: float(v) for key, v in zip(zip(examples.clips, examples.kinds, strict=True), values, strict=True)
            }
            other = twice[0]
            pairs = zip(zip(other.clips, other.kinds, strict=True), other.values[frames][name], strict=True)
            assert all(row[key] == pytest.approx(float(value), rel=1e-3, abs=1e-4) for key, value in pairs), name


def test_a_model_is_fitted_from_end_to_end(world: WorldModel) -> None:
    """Nine clips are enough for a verifier that judges after 8 and 16 frames, and says what it was fitted on."""
    verifier = fit_on_cases(world, measurements(plausibilities=()), cases(9), coverage=0.8)
    assert sorted(verifier.fitted.outcome) == [8, 16] and verifier.fitted.prior is None
    assert verifier.fitted_on.clips == 9 and 18 <= verifier.fitted_on.examples <= 27
    prediction = world.predict(make_clip(1).tensor[:, :9], make_clip(1).instruction, 16, candidates=3)
    for frames in (8, 12, 16):
        verdict = verifier.verify(world, [prediction], make_clip(1).tensor[None, :, 9 : 9 + frames])[0]
        assert verdict.frames == frames // 8 * 8 and set(verifier.contributions(verdict)) == {
            "latent_ratio",
            "flow_frozen",
        }


def test_a_model_that_is_never_right_cannot_learn_to_rank(world: WorldModel) -> None:
    """With random weights no candidate comes true: the message says how to fit without ranking."""
    with pytest.raises(ValueError, match=r"plausibilities=\[\]"):
        fit_on_cases(world, measurements(frames=(8,)), cases(9), coverage=0.8)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"signals": ("luck",)}, "luck"),
        ({"plausibilities": ("luck",)}, "luck"),
        ({"frames": (12,)}, "12"),
        ({"frames": ()}, "multiples of 8"),
    ],
)
def test_impossible_measurements_are_refused(change: Any, named: str) -> None:
    """The message names what is wrong."""
    with pytest.raises(ValueError, match=named):
        measurements(**change)


def test_seeds_take_turns_from_batch_to_batch(world: WorldModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three clips, one at a time, with the seeds 3 and 5: 3, 5, and 3 again."""
    seeds = []
    predict = type(world).predict_batch

    def recording(self, *args, **options):
        seeds.append(next(one for one in args if isinstance(one, Sampling)).seed)
        return predict(self, *args, **options)

    monkeypatch.setattr(type(world), "predict_batch", recording)
    collect(world, measurements(signals=("latent_ratio",), frames=(8,)), cases(3), seeds=(3, 5), batch=1)
    assert seeds == [3, 5, 3]
    with pytest.raises(ValueError, match="at least one seed"):
        collect(world, measurements(), cases(1), seeds=())
