"""Plausibilities have hand values, and none of them looks at the future."""

from __future__ import annotations

import math

import pytest
import torch

from foresight.verify import PLAUSIBILITIES, PriorEvidence
from foresight.verify.plausibility import plausibility


def prior(latents=(0.0, 1.0, 3.0), brightness=(-1.0, -1.0, -1.0), conditional=None, unconditional=None):
    """One clip: black context, candidates of one brightness and of one value of the latents."""
    return PriorEvidence(
        context=torch.full((1, 3, 9, 16, 16), -1.0),
        predicted=torch.stack([torch.full((3, 8, 16, 16), value) for value in brightness])[None],
        predicted_latents=torch.stack([torch.full((2, 1, 2, 2), value) for value in latents])[None],
        copy_latents=torch.zeros(1, 2, 1, 2, 2),
        conditional=conditional,
        unconditional=unconditional,
    )


def test_the_middle_of_the_cloud_is_least_eccentric() -> None:
    """Candidates at 0, 1 and 3 lie 2, 1.5 and 2.5 from the others on average, the cloud 2."""
    found = plausibility("eccentricity")(prior())[0]
    assert found.tolist() == pytest.approx([1.0, 1.51 / 2.01, 2.51 / 2.01])


def test_agreement_is_motion_over_disagreement() -> None:
    """The same candidates move 4/3 from the frozen frame on average and lie 2 apart."""
    assert plausibility("agreement")(prior())[0].tolist() == pytest.approx([math.log((4 / 3 + 0.01) / 2.01)] * 3)
    assert plausibility("spread")(prior())[0].tolist() == pytest.approx([2.0] * 3)


def test_told_is_a_contrast_of_losses() -> None:
    """Half the error under the instruction is log 2; as in the mean of the cloud is log 1."""
    conditional, unconditional = torch.tensor([[[1.0], [2.0], [3.0]]]), torch.tensor([[[2.0], [2.0], [1.5]]])
    found = prior(conditional=conditional, unconditional=unconditional)
    assert plausibility("told")(found)[0].tolist() == pytest.approx([math.log(2), 0, -math.log(2)])
    expected = [math.log(0.5), 0, math.log(1.5)]
    assert plausibility("unsurprising")(found)[0].tolist() == pytest.approx(expected, abs=1e-6)
    with pytest.raises(ValueError, match="prior_flow"):
        plausibility("told")(prior())


def test_permanence_does_not_care_where_pixels_are() -> None:
    """A picture turned upside down has lost nothing; one that grew brighter by ½ is ½ away."""
    picture = torch.rand(3, 9, 16, 16, generator=torch.Generator().manual_seed(0)) - 1
    still = picture[:, -1:].expand(-1, 8, -1, -1)
    one = PriorEvidence(
        context=picture[None],
        predicted=torch.stack([still.flip(2), still + 0.5])[None],
        predicted_latents=torch.zeros(1, 2, 2, 1, 2, 2),
        copy_latents=torch.zeros(1, 2, 1, 2, 2),
    )
    assert plausibility("permanence")(one)[0].tolist() == pytest.approx([0.0, 0.5], abs=1e-6)


def test_a_jump_is_not_smooth() -> None:
    """All change in one of eight frames is log 8, the same change in every frame is 0."""
    steps = torch.linspace(-1, 1, 9)[1:].view(1, 8, 1, 1).expand(3, 8, 16, 16)
    jump = torch.ones(3, 8, 16, 16)
    one = PriorEvidence(
        context=torch.full((1, 3, 9, 16, 16), -1.0),
        predicted=torch.stack([steps, jump])[None],
        predicted_latents=torch.zeros(1, 2, 2, 1, 2, 2),
        copy_latents=torch.zeros(1, 2, 1, 2, 2),
    )
    assert plausibility("smoothness")(one)[0].tolist() == pytest.approx([0.0, math.log(8)], abs=1e-4)


def test_what_does_not_exist_is_refused() -> None:
    """The message lists what does."""
    with pytest.raises(ValueError, match="eccentricity"):
        plausibility("luck")
    assert len(PLAUSIBILITIES) >= 5
