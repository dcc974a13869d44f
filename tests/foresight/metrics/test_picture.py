import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from foresight.metrics.picture import gradient_energy, moving_mse, mse, psnr, ssim


def test_mse_is_on_the_unit_scale() -> None:
    """Black against white is an error of 1, and black against mid-grey a quarter, in every frame."""
    black, white = -torch.ones(1, 3, 4, 16, 16), torch.ones(1, 3, 4, 16, 16)
    assert torch.equal(mse(black, white), torch.ones(1, 4))
    assert torch.allclose(mse(black, torch.zeros_like(black)), torch.full((1, 4), 0.25))


def test_mse_clamps_what_a_picture_cannot_show() -> None:
    """A decoder's overshoot costs nothing: the picture would be the same."""
    white = torch.ones(1, 3, 2, 16, 16)
    assert torch.equal(mse(white * 1.7, white), torch.zeros(1, 2))


def test_mse_tells_frames_apart() -> None:
    """Only the frame that differs has an error."""
    video = torch.zeros(1, 3, 3, 16, 16)
    other = video.clone()
    other[:, :, 1] = 1
    assert mse(video, other).tolist() == [[0.0, 0.25, 0.0]]


@pytest.mark.parametrize(("error", "decibels"), [(1.0, 0.0), (0.1, 10.0), (0.001, 30.0), (0.0, 100.0)])
def test_psnr_by_hand(error: float, decibels: float) -> None:
    """−10·log10 of the error, 100 dB for equal pictures."""
    assert psnr(torch.tensor(error)).item() == pytest.approx(decibels, abs=1e-4)


def test_ssim_of_equal_and_of_inverted_frames() -> None:
    """1 for equal frames; below 0 where structure is inverted."""
    torch.manual_seed(0)
    video = torch.rand(2, 3, 3, 32, 32) * 2 - 1
    assert torch.allclose(ssim(video, video), torch.ones(2, 3), atol=1e-5)
    assert (ssim(video, -video) < 0).all()


def test_ssim_equals_torchmetrics() -> None:
    """Frame by frame, on pictures of unequal sides."""
    torch.manual_seed(1)
    one = torch.rand(2, 3, 2, 24, 40) * 2 - 1
    other = (one + 0.3 * torch.randn_like(one)).clamp(-1, 1)
    flat = [((video + 1) / 2).transpose(1, 2).flatten(0, 1) for video in (one, other)]
    expected = structural_similarity_index_measure(flat[0], flat[1], data_range=1.0, reduction="none")
    assert torch.allclose(ssim(one, other).flatten(), expected, atol=1e-5)


def test_ssim_needs_room_for_its_window() -> None:
    """A side that cannot be reflected is refused with its size."""
    with pytest.raises(ValueError, match="5"):
        ssim(torch.zeros(1, 3, 1, 5, 16), torch.zeros(1, 3, 1, 5, 16))


def test_gradient_energy_falls_with_blur() -> None:
    """One vertical edge of height 1 in a 4×4 picture: 4 of 12 horizontal differences are 1; a flat picture has none."""
    video = -torch.ones(1, 3, 1, 4, 4)
    video[..., 2:] = 1
    assert gradient_energy(video).item() == pytest.approx(1 / 3)
    assert gradient_energy(torch.zeros_like(video)).item() == 0


def test_ssim_of_the_smallest_pictures() -> None:
    """Six pixels are enough to be reflected."""
    video = torch.rand(1, 3, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    assert ssim(video, video).item() == pytest.approx(1, abs=1e-5)


def test_errors_count_where_something_moves() -> None:
    """Of four pixels one moves; its squared error of ¼ is a quarter of the mean, errors on the others count nothing."""
    last = torch.full((1, 3, 1, 2, 2), -1.0)
    observed = last.clone()
    observed[..., 0, 0] = 1.0
    predicted = observed.clone()
    predicted[..., 0, 0] = 0.0
    predicted[..., 1, 1] = 1.0
    assert moving_mse(predicted, observed, last).item() == pytest.approx(0.25 / 4)
    assert moving_mse(predicted, last, last).item() == 0
