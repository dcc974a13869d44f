"""The verification card by measured values that are made up: known figures, and gates that must turn red."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from foresight.evaluation.verification.candidate_selection import GAIN, selection
from foresight.evaluation.verification.card import VerificationCard, evaluate_verification
from foresight.evaluation.verification.control_baselines import control_baselines, control_signals
from foresight.evaluation.verification.scored_examples import ScoredExamples
from foresight.evaluation.verification.strata import strata
from foresight.physics import PhysicsConfig
from foresight.verify import (
    EvidenceConfig,
    Examples,
    FittedOn,
    Samples,
    SimulatedCases,
    Verifier,
    fit_verifier,
    model_fingerprint,
)
from foresight.verify.evidence.records import Evidence
from foresight.world.world_model import WorldModel

CLIPS = 240
KINDS = ("removed", "other_action")
INSTRUCTIONS = ("nothing is pushed", "the red ball is pushed up", "the red ball is pushed down", "the red box is gone")


def measured(seed, *, strength=2.5, shuffled=False, confounded=False):
    """A true and two false outcomes of each clip; control baselines are noise; central candidates are right."""
    generator = torch.Generator().manual_seed(seed)
    right = torch.tensor([True, False, False]).repeat(CLIPS)
    clips = tuple(clip for clip in range(CLIPS) for _ in range(3))
    fast = torch.tensor(clips) % 2 == 1
    direction = torch.where(right, 1.0, -1.0)
    if confounded:
        direction = torch.where(fast, direction, -direction / 2)
    noise = torch.randn(2, len(clips), generator=generator)
    signal = strength * direction + noise[0]
    if shuffled:
        signal = signal[torch.randperm(len(clips), generator=generator)]
    values = {"pixel_ratio": -signal, "motion": signal + noise[1]}
    values |= {one.name: torch.randn(len(clips), generator=generator) for one in control_signals()}
    kinds = tuple(kind for _ in range(CLIPS) for kind in ("true", *KINDS))
    eccentricity = 1 + 0.3 * torch.randn(CLIPS, 4, generator=generator)
    position_error = 6.5 + 10 * (eccentricity - 1) + torch.randn(CLIPS, 4, generator=generator)
    samples = Samples(
        {"eccentricity": eccentricity},
        position_error,
        torch.zeros(CLIPS, dtype=torch.long),
        tuple(range(CLIPS)),
    )
    # Correct is the prediction of the true outcome of those clips where the signal is strongest, and of no other.
    strong = signal > signal[right].median()
    return Examples({8: values, 16: values}, kinds, clips, torch.where(right & strong, 1.0, 20.0)), samples


def own(examples):
    """Without the control baselines' signals."""
    values = {frames: {n: v[n] for n in ("pixel_ratio", "motion")} for frames, v in examples.values.items()}
    return Examples(values, examples.kinds, examples.clips, examples.position_error)


def card(seed=1, *, fitted=None, **options):
    """A verifier fitted on one draw, scored on another."""
    examples, samples = measured(0, **(options if fitted is None else fitted))
    on = FittedOn("", "made up", CLIPS, 3 * CLIPS, 4, EvidenceConfig(INSTRUCTIONS))
    verifier = fit_verifier(own(examples), samples, coverage=0.9, fitted_on=on)
    held_out, candidates = measured(seed, **options)
    generator = torch.Generator().manual_seed(9)
    size_contrast = torch.rand(CLIPS, 2, generator=generator)
    speed = torch.arange(CLIPS) % 2 + torch.rand(CLIPS, generator=generator) / 2
    traits = {"size": size_contrast[:, 0], "contrast": size_contrast[:, 1], "motion": speed}
    return VerificationCard(held_out, candidates, traits, verifier)


@pytest.fixture(scope="module")
def good():
    """A verifier that works."""
    return card()


def failed(found):
    """Names of the gates that are red."""
    return [gate.name for gate in found.gates() if not gate.holds]


def test_a_good_verifier_passes(good: Any) -> None:
    """Strong signals that say the same everywhere hold the promises of order, strata, baselines, calibration."""
    red = [name for name in failed(good) if "kept" not in name and "own" not in name]
    assert red == []
    figures = good.figures()
    assert figures["AUROC"].low > 0.95 and figures["AUROC of pixel ratio alone"].value > 0.9
    assert abs(figures["AUROC of motion only"].value - 0.5) < 0.1
    assert figures["right outcomes kept (aim 90%)"].value == pytest.approx(0.9, abs=0.06)
    assert figures[GAIN].low > 0
    assert figures["AUROC, removed"].clips == CLIPS
    # What is seen after all frames stands without their number, what is seen before with it.
    assert any(name.startswith("after 8 frames: ") for name in figures)
    assert not any(name.startswith("after 16 frames: ") for name in figures)


def test_shuffled_features_turn_gates_red() -> None:
    """Signals of other examples have no order, no lead over the control baselines, nothing in any stratum."""
    red = failed(card(shuffled=True))
    for promise in ("counterfactual", "stratum", "control baseline"):
        assert any(promise in name for name in red), promise


def test_an_untrained_scorer_turns_gates_red() -> None:
    """Signals of no strength: the AUROC gates fail, the calibration gate does not, since even odds are honest."""
    red = failed(card(strength=0.0))
    assert any("counterfactual" in name for name in red) and any("control baseline" in name for name in red)


def test_what_holds_only_on_fast_clips_fails_inside_a_stratum() -> None:
    """A signal that is turned round where clips are slow fails there, whatever it reaches on the whole."""
    found = card(confounded=True)
    assert any("stratum" in name for name in failed(found))


def test_a_verifier_of_another_world_is_not_calibrated() -> None:
    """Fitted where signals are strong and scored where they are weak, it is too sure: the calibration gate is red."""
    red = failed(card(fitted={"strength": 3.0}, strength=0.7))
    assert any("calibration" in name for name in red)


def test_the_report_says_what_is_absent(good: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal that cannot be measured here has a row that tells why."""
    monkeypatch.setattr("foresight.verify.signals.perceptual.find_spec", lambda name: None)
    rows = {row["figure"]: row["value [95 % interval]"] for row in good.tables()["figures"]}
    assert rows["AUROC of lpips alone"] == "absent: torchvision is not installed"
    assert good.tables()["reliability"]


def test_coverage_and_accuracy_by_hand() -> None:
    """Two right at 2 and 1, two wrong at −2 and 1.5: at 1 all right ones are kept; the surest half is all correct."""
    scored = ScoredExamples(
        torch.tensor([2.0, 1.0, -2.0, 1.5]).double(), torch.tensor([True, True, False, False]), torch.arange(4)
    )
    assert scored.kept(1.0, True).value == 1 and scored.kept(1.1, True).value == 0.5
    assert scored.kept(-2.0, False).value == 0.5
    assert scored.accuracy_at(0.5).value == 1 and scored.accuracy_at(1.0).value == 0.75
    assert scored.lead(scored).value == 0


def test_strata_split_at_the_median() -> None:
    """Ten clips by their traits: each half holds five; a stratum without both labels is left out."""
    clips = list(range(10))
    measured = {name: torch.arange(10.0) for name in ("size", "contrast", "motion")}
    scored = ScoredExamples(
        torch.randn(20), torch.tensor([True, False] * 10), torch.tensor([c for c in clips for _ in (0, 1)])
    )
    parts = strata(scored, clips, measured)
    assert sorted(set(parts["fast"].clips.tolist())) == [5, 6, 7, 8, 9]
    assert set(parts) == {
        "small",
        "large",
        "pale",
        "bright",
        "slow",
        "fast",
        "small, pale, slow",
        "large, bright, fast",
    }
    # Videos have no size of bodies: strata are of what is known.
    del measured["size"]
    assert set(strata(scored, clips, measured)) == {"pale", "bright", "slow", "fast", "pale, slow", "bright, fast"}


def test_floors_see_no_prediction() -> None:
    """Observed motion does not change with the candidates; random features are the same in every process."""
    one = torch.randn(2, 3, 8, 16, 16, generator=torch.Generator().manual_seed(0))
    latents = torch.ones(2, 4, 1, 2, 2)
    evidence = [Evidence(one, one[:, None] * k, latents[:, None], one, latents, latents) for k in (0, 1)]
    motion, first = control_signals()[:2]
    assert torch.equal(motion(evidence[0]), motion(evidence[1]))
    assert (
        torch.equal(first(evidence[0]), control_signals()[1](evidence[1])) and float(first(evidence[0]).abs().max()) < 1
    )


def test_control_baselines_are_fitted_on_other_clips() -> None:
    """A control baseline that memorised its examples would beat chance on noise; fitted on other clips, it does not."""
    examples, _ = measured(3)
    scored = ScoredExamples(torch.zeros(3 * CLIPS).double(), examples.right, examples.owner)
    for name, one in control_baselines(scored, examples.values[16], ("pixel_ratio", "motion")).items():
        assert 0.3 < one.auroc.value < 0.7, name


def test_choosing_by_hand() -> None:
    """Of errors 1 and 3, the more plausible second is 3: a gain of −1 over the average of 2."""
    samples = Samples({}, torch.tensor([[1.0, 3.0]] * 4), torch.zeros(4, dtype=torch.long), (0, 1, 2, 3))
    found = selection(torch.tensor([[0.0, 1.0]] * 4), samples)
    assert found[GAIN].value == -1 and found["best of 2: error of the best candidate (px)"].value == 1


def test_a_model_is_judged_end_to_end(world: WorldModel) -> None:
    """A few clips through the whole path give finite figures for every part of the observation."""
    examples, samples = measured(0)
    on = FittedOn(
        model_fingerprint(world), "made up", CLIPS, 3 * CLIPS, 3, EvidenceConfig(INSTRUCTIONS, count=1, sigmas=(0.5,))
    )
    verifier = fit_verifier(own(examples), samples, coverage=0.9, fitted_on=on)
    cases = SimulatedCases(clips=8, split="test", physics=PhysicsConfig(), kinds=("removed", "reversed"), negatives=1)
    found = evaluate_verification(world, verifier, cases, also=("pixel",))
    assert len(found.samples.clips) == 8 and len(found.examples.kinds) == 16
    figures = found.figures()
    assert {"AUROC", "AUROC of pixel alone", "AUROC of motion only", GAIN} <= set(figures)
    assert all(0 <= figures[name].value <= 1 for name in figures if name.startswith("AUROC"))


def test_choosing_has_a_gate_where_it_was_fitted(good: Any) -> None:
    """The gain of the most plausible candidate is a promise of verifiers that rank candidates, and of no others."""
    ranked = "gain of the most plausible candidate over the average (px)"
    unranked = replace(good, verifier=Verifier(replace(good.verifier.fitted, prior=None)))
    names = [gate.name for gate in good.gates()]
    assert ranked in names and GAIN in good.figures()
    assert [gate.name for gate in unranked.gates()] == [name for name in names if name != ranked]
    assert GAIN not in unranked.figures()
