"""Training objectives against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from ltx.losses import (
    DiscriminatorConfig,
    PairDiscriminator,
    discriminator_loss,
    drop_tokens,
    flow_matching_loss,
    generator_loss,
    haar,
    kl_loss,
    pixel_loss,
    random_order,
    wavelet_loss,
)


def _random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_wavelet_keeps_energy() -> None:
    """The eight sub-bands have the video's sum of squares."""
    video = _random(2, 3, 4, 6, 8)
    bands = haar(video)
    assert bands.shape == (2, 8, 3, 2, 3, 4)
    torch.testing.assert_close(bands.square().sum(), video.square().sum())


def test_wavelet_bands_are_in_the_order_of_their_names() -> None:
    """A constant is all in LLL, and columns of alternating sign are all in LLH."""
    video = torch.ones(1, 1, 2, 2, 2)
    columns = video * torch.tensor([1.0, -1.0])
    for picture, band in ((video, 0), (columns, 1)):
        expected = torch.zeros(8)
        expected[band] = 8**0.5
        torch.testing.assert_close(haar(picture).flatten(), expected)


def test_wavelet_loss_repeats_the_first_of_an_odd_number_of_frames() -> None:
    """A constant difference d costs |d|·√8 in one band of eight, with an odd number of frames as with an even one."""
    for frames in (2, 9):
        video = torch.zeros(1, 3, frames, 4, 4)
        torch.testing.assert_close(wavelet_loss(video + 0.5, video), torch.tensor(0.5 * 8**0.5 / 8))
    with pytest.raises(ValueError, match="even numbers"):
        haar(torch.zeros(1, 3, 9, 4, 4))


def test_kl_by_hand() -> None:
    """½(µ² + exp ℓ − 1 − ℓ) averaged, a shared log-variance counting for each channel, and 0 at the standard normal."""
    mean = torch.tensor([1.0, 3.0]).view(1, 2, 1, 1, 1)
    shared = torch.full((1, 1, 1, 1, 1), math.log(2.0))
    expected = torch.tensor(0.5 * (5 + 2 - 1 - math.log(2.0)))
    torch.testing.assert_close(kl_loss(mean, shared), expected)
    torch.testing.assert_close(kl_loss(mean, shared.expand_as(mean)), expected)
    assert kl_loss(torch.zeros_like(mean), torch.zeros_like(shared)) == 0


def test_flow_loss_mask_by_hand() -> None:
    """Only tokens in the mask count, and the value is the mean over those: (1 + 9) / 2 for errors 1 and 3."""
    velocity = torch.zeros(1, 4, 2)
    prediction = torch.tensor([1.0, 3.0, 100.0, -50.0]).view(1, 4, 1).expand(1, 4, 2)
    mask = torch.tensor([[True, True, False, False]])
    torch.testing.assert_close(flow_matching_loss(prediction, velocity, mask), torch.tensor(5.0))
    weights = torch.tensor([[3.0, 1.0, 0.0, 0.0]])
    torch.testing.assert_close(flow_matching_loss(prediction, velocity, weights), torch.tensor(3.0))
    with pytest.raises(ValueError, match="nothing would be trained"):
        flow_matching_loss(prediction, velocity, torch.zeros(1, 4))


@pytest.fixture
def discriminator() -> PairDiscriminator:
    """A narrow discriminator with random weights."""
    torch.manual_seed(0)
    return PairDiscriminator(DiscriminatorConfig(channels=3, widths=(4, 8), groups=2)).double()


def test_discriminator_gives_one_logit_for_each_patch(discriminator: PairDiscriminator) -> None:
    """Two strided layers: a quarter of the rows and columns, half of the frames; other channels are refused."""
    assert discriminator(_random(2, 3, 8, 16, 24), _random(2, 3, 8, 16, 24, seed=1)).shape == (2, 4, 4, 6)
    with pytest.raises(ValueError, match="3 channels each"):
        discriminator(_random(2, 1, 8, 16, 24), _random(2, 1, 8, 16, 24))


def test_only_the_generator_loss_reaches_the_reconstruction(discriminator: PairDiscriminator) -> None:
    """The discriminator's loss trains the discriminator alone, the generator's moves the reconstruction."""
    original = _random(2, 3, 4, 8, 8)
    reconstruction = _random(2, 3, 4, 8, 8, seed=1).requires_grad_()
    first = torch.tensor([True, False])
    discriminator_loss(discriminator, original, reconstruction, first).backward()
    assert reconstruction.grad is None
    assert all(parameter.grad is not None for parameter in discriminator.parameters())
    generator_loss(discriminator, original, reconstruction, first).backward()
    assert reconstruction.grad is not None
    assert all(gradient.abs().max() > 0 for gradient in reconstruction.grad)


def test_adversarial_losses_follow_the_answer(discriminator: PairDiscriminator) -> None:
    """An undecided answer costs ln 2 on both sides; "the first is the original" costs by whether it was."""
    videos = _random(1, 3, 4, 8, 8), _random(1, 3, 4, 8, 8, seed=1)
    torch.nn.init.zeros_(discriminator.head.weight)
    for logit, right in ((0.0, math.log(2)), (2.0, math.log1p(math.exp(-2.0)))):
        torch.nn.init.constant_(discriminator.head.bias, logit)
        wrong = right + logit
        for first, theirs, ours in ((True, right, wrong), (False, wrong, right)):
            order = torch.tensor([first])
            assert discriminator_loss(discriminator, *videos, order).item() == pytest.approx(theirs)
            assert generator_loss(discriminator, *videos, order).item() == pytest.approx(ours)


def test_token_drop_keeps_coordinates_with_their_tokens() -> None:
    """Every kept token keeps its own values and coordinates, in order, and what must stay is there."""
    tokens = torch.arange(20.0).expand(2, 20)
    droppable = torch.ones(2, 20, dtype=torch.bool)
    droppable[0, :5] = False
    choice = drop_tokens(droppable, keep=16, generator=torch.Generator().manual_seed(0))
    kept = choice.per_token(tokens)
    assert kept.shape == (2, 16)
    assert (kept.diff(dim=1) > 0).all()
    torch.testing.assert_close(kept[0, :5], torch.arange(5.0))
    torch.testing.assert_close(choice.sequence(tokens.unsqueeze(-1) * 2)[..., 0], kept * 2)
    scale = torch.tensor([1.0, 10.0, 100.0]).view(1, 3, 1)
    torch.testing.assert_close(choice.coordinates(tokens.unsqueeze(1) * scale), kept.unsqueeze(1) * scale)
    with pytest.raises(ValueError, match="between 5 and 20"):
        drop_tokens(droppable, keep=4, generator=torch.Generator())


def test_pixel_loss_by_hand() -> None:
    """Errors 1, 2 and 3 squared are 14 / 3 on average; weighted 1, 0 and 3, Σ w·e² / Σ w = (1 + 27) / 4; equal weights
    change nothing, whatever they are."""
    target = torch.zeros(1, 2, 1, 1, 3)
    clip = torch.tensor([1.0, -2.0, 3.0]).expand(1, 2, 1, 1, 3)
    assert pixel_loss(clip, target).item() == pytest.approx(14 / 3)
    assert pixel_loss(clip, target, torch.tensor([1.0, 0.0, 3.0]).view(1, 1, 1, 3)).item() == pytest.approx(7)
    assert pixel_loss(clip, target, torch.full((1, 1, 1, 1), 0.2)).item() == pytest.approx(14 / 3)
    with pytest.raises(ValueError, match="positive weight"):
        pixel_loss(clip, target, torch.zeros(1, 1, 1, 3))
    with pytest.raises(ValueError, match="one shape"):
        pixel_loss(clip[:, :1], target)


@pytest.mark.parametrize("shape", [(2, 3, 1, 1, 1), (1, 2, 1, 1, 1), (2, 1, 2, 1, 1)])
def test_a_log_variance_of_another_grid_is_refused(shape: tuple[int, ...]) -> None:
    """It is shared by all channels or there is one for each."""
    with pytest.raises(ValueError, match="expected a log-variance of shape"):
        kl_loss(torch.zeros(2, 2, 1, 1, 1), torch.zeros(shape))


def test_log_variances_are_cut() -> None:
    """To −30, where exp is nothing: ½(−1 + 30)."""
    assert kl_loss(torch.zeros(1, 1, 1, 1, 1), torch.full((1, 1, 1, 1, 1), -99.0)).item() == pytest.approx(14.5)


@pytest.mark.parametrize(("velocity", "mask"), [((1, 4, 3), (1, 4)), ((1, 4, 2), (1, 3)), ((1, 4, 2), (1, 4, 1))])
def test_a_velocity_or_mask_of_another_shape_is_refused(velocity: tuple[int, ...], mask: tuple[int, ...]) -> None:
    """Each by itself."""
    with pytest.raises(ValueError, match="expected prediction and velocity"):
        flow_matching_loss(torch.zeros(1, 4, 2), torch.zeros(velocity), torch.ones(mask))


@pytest.mark.parametrize("widths", [(), (4, 6), (6, 4)])
def test_impossible_discriminators_are_refused(widths: tuple[int, ...]) -> None:
    """No layer, and widths that the groups do not divide."""
    with pytest.raises(ValueError, match="each a multiple of 4 groups"):
        DiscriminatorConfig(channels=3, widths=widths, groups=4)


def test_only_later_layers_are_normalised_and_shrink_time(discriminator: PairDiscriminator) -> None:
    """The first keeps the frames and has no norm."""
    strides = [layer.stride for layer in discriminator.features if isinstance(layer, torch.nn.Conv3d)]
    norms = [isinstance(layer, torch.nn.GroupNorm) for layer in discriminator.features]
    assert strides == [(1, 2, 2), (2, 2, 2)] and norms == [False, False, False, False, True, False]


def test_videos_that_do_not_correspond_are_refused(discriminator: PairDiscriminator) -> None:
    """Pairs of other sizes or channels."""
    one = _random(1, 3, 4, 8, 8)
    order = torch.tensor([True])
    with pytest.raises(ValueError, match="one shape"):
        discriminator_loss(discriminator, one, one[:, :, :2], order)
    with pytest.raises(ValueError, match="3 channels each"):
        discriminator(one[:, :2], _random(1, 4, 4, 8, 8))


def test_the_order_is_a_fair_coin() -> None:
    """True where a uniform number is below a half."""
    draws = torch.rand(1000, generator=torch.Generator().manual_seed(5))
    assert torch.equal(random_order(1000, torch.Generator().manual_seed(5)), draws < 0.5)


@pytest.mark.parametrize("size", [(3, 4, 4), (4, 3, 4), (4, 4, 3)])
def test_odd_sizes_have_no_wavelets(size: tuple[int, int, int]) -> None:
    """Along any axis."""
    with pytest.raises(ValueError, match="even numbers"):
        haar(torch.zeros(1, 1, *size))
    with pytest.raises(ValueError, match="one shape"):
        wavelet_loss(torch.zeros(1, 1, *size), torch.zeros(1, 1, 4, 4, 4))


def test_wavelets_by_hand() -> None:
    """Of the first frame 1 and nothing else each band is 1/√8, whose signs tell sums from differences."""
    video = torch.zeros(1, 1, 2, 2, 2)
    video[0, 0, 1, 1, 0] = 8**0.5
    assert haar(video).flatten().tolist() == pytest.approx([1, 1, -1, -1, -1, -1, 1, 1])
