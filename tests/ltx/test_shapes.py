"""Sizes, token order and token coordinates."""

from typing import Any

import pytest
import torch

from ltx.shapes import CHANNELS, SPACE, TIME, LatentShape, VideoShape, coordinates, from_tokens, to_tokens


@pytest.mark.parametrize(
    ("video", "latent"),
    [
        ((1, 32, 32), (1, 1, 1)),
        ((9, 64, 96), (2, 2, 3)),
        ((121, 512, 768), (16, 16, 24)),
        ((161, 512, 704), (21, 16, 22)),
        ((121, 704, 1216), (16, 22, 38)),
    ],
)
def test_video_and_latent_sizes_are_inverse(video: Any, latent: Any) -> None:
    """The grid is ((F−1)/8+1, H/32, W/32), and it knows the video it decodes to."""
    assert VideoShape(*video).latent == LatentShape(*latent)
    assert LatentShape(*latent).video == VideoShape(*video)
    assert LatentShape(*latent).tokens == latent[0] * latent[1] * latent[2]


def test_compression_is_that_of_the_releases() -> None:
    """32 pixels, 8 frames, 128 channels: one value for 192."""
    assert (SPACE, TIME, CHANNELS) == (32, 8, 128)
    assert SPACE * SPACE * TIME * 3 / CHANNELS == 192


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((8, 32, 32), "nearest is 9"),
        ((0, 32, 32), "nearest is 1"),
        ((20, 32, 32), "nearest is 17"),
        ((9, 33, 32), "height.*nearest is 32"),
        ((9, 32, 80), "width.*nearest is 64"),
        ((9, 0, 32), "height"),
    ],
)
def test_other_video_sizes_are_refused_with_the_nearest(size: Any, message: str) -> None:
    """A size that the compression does not divide raises and names the nearest that it does."""
    with pytest.raises(ValueError, match=message):
        VideoShape(*size)


def test_empty_grids_are_refused() -> None:
    """A latent grid has at least one cell."""
    with pytest.raises(ValueError, match="1×1×1"):
        LatentShape(1, 0, 4)


def test_shapes_are_read_from_tensors() -> None:
    """Videos and latents tell their shape, checked."""
    assert VideoShape.of(torch.zeros(2, 3, 9, 64, 32)) == VideoShape(9, 64, 32)
    assert LatentShape.of(torch.zeros(2, 128, 2, 2, 1)) == LatentShape(2, 2, 1)
    with pytest.raises(ValueError, match="frames"):
        VideoShape.of(torch.zeros(1, 3, 8, 64, 32))


def test_tokens_are_ordered_by_frame_row_column() -> None:
    """Token (f·H + h)·W + w holds the channels of cell (f, h, w), and the way back is exact."""
    latents = torch.arange(2 * 5 * 2 * 3 * 4).float().reshape(2, 5, 2, 3, 4)
    tokens = to_tokens(latents)
    assert tokens.shape == (2, 24, 5)
    assert torch.equal(tokens[1, (1 * 3 + 2) * 4 + 3], latents[1, :, 1, 2, 3])
    assert torch.equal(from_tokens(tokens, LatentShape(2, 3, 4)), latents)


def test_a_wrong_number_of_tokens_is_refused() -> None:
    """Tokens that do not fill the grid raise."""
    with pytest.raises(ValueError, match="expected 24 tokens"):
        from_tokens(torch.zeros(1, 23, 5), LatentShape(2, 3, 4))


def test_causal_coordinates_start_at_frames_0_1_9() -> None:
    """From 0.9.5 on latent frame i starts at pixel frame max(0, 8i−7); rows and columns at multiples of 32."""
    grid = coordinates(LatentShape(4, 2, 3), frame_rate=25.0)
    assert grid.shape == (3, 24) and grid.dtype == torch.float32
    cells = grid.reshape(3, 4, 2, 3)
    torch.testing.assert_close(cells[0, :, 1, 2], torch.tensor([0, 1, 9, 17]) / 25)
    assert cells[1, 2, :, 1].tolist() == [0, 32]
    assert cells[2, 2, 1].tolist() == [0, 32, 64]


def test_coordinates_of_the_first_releases_start_at_multiples_of_8() -> None:
    """Without the causal fix (0.9.0, 0.9.1) latent frame i starts at pixel frame 8i."""
    grid = coordinates(LatentShape(3, 1, 1), frame_rate=8.0, causal=False)
    assert grid[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("causal", [True, False])
def test_a_start_moves_the_grid_in_time_only(causal: bool) -> None:
    """The start is added to the frame after the causal fix of the grid's own index."""
    shape = LatentShape(3, 2, 2)
    plain = coordinates(shape, frame_rate=4.0, causal=causal)
    moved = coordinates(shape, frame_rate=4.0, causal=causal, start=40)
    torch.testing.assert_close(moved[0], plain[0] + 10)
    assert torch.equal(moved[1:], plain[1:])


def test_a_frame_rate_must_be_positive() -> None:
    """Frame rates of zero, below, or not a number raise."""
    for rate in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="frame rate"):
            coordinates(LatentShape(1, 1, 1), frame_rate=rate)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((-7, 32, 32), "got -7; the nearest is 1"),
        ((5, 32, 32), "got 5; the nearest is 1"),
        ((14, 32, 32), "got 14; the nearest is 17"),
        ((12, 32, 32), "got 12; the nearest is 9"),
        ((1, 16, 32), "height .*got 16; the nearest is 32"),
        ((1, 32, -32), "width .*got -32; the nearest is 32"),
        ((1, 100, 32), "got 100; the nearest is 96"),
    ],
)
def test_sizes_that_look_right_and_are_not(size: Any, message: str) -> None:
    """Below 1 frame or 32 pixels nothing is, whatever the remainder."""
    with pytest.raises(ValueError, match=message):
        VideoShape(*size)


@pytest.mark.parametrize("grid", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_every_axis_of_a_grid_has_a_cell(grid: Any) -> None:
    """One is enough."""
    with pytest.raises(ValueError, match="1×1×1"):
        LatentShape(*grid)
    assert LatentShape(1, 1, 1).tokens == 1
