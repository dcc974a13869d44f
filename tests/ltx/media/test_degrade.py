"""Given frames made to look like video."""

from __future__ import annotations

import math

import pytest
import torch

from ltx.media import crop_to_aspect, degrade


@pytest.mark.parametrize(
    ("size", "aspect", "rows", "columns"),
    [
        ((4, 11), (2, 3), (0, 3), (2, 7)),
        ((11, 4), (3, 2), (2, 7), (0, 3)),
        ((4, 6), (2, 3), (0, 3), (0, 5)),
        ((9, 4), (1, 1), (2, 5), (0, 3)),
        ((2, 9), (9, 1), (0, 1), (4, 4)),
        ((9, 2), (1, 9), (4, 4), (0, 1)),
    ],
)
def test_the_middle_in_another_aspect(
    size: tuple[int, int], aspect: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    """First and last row and column that stay; at least one of each."""
    height, width = size
    places = torch.arange(height * width).view(1, 1, height, width).expand(3, 1, height, width)
    kept = crop_to_aspect(places, *aspect)[0, 0]
    first, last = int(kept[0, 0]), int(kept[-1, -1])
    assert (first // width, last // width) == rows and (first % width, last % width) == columns


def test_without_compression_frames_are_blurred_alone() -> None:
    """A white dot on black keeps 1 / (1 + 2·e^(−1/2))² of itself in the middle of a Gaussian of 3×3."""
    video = torch.full((3, 1, 5, 5), -1.0)
    video[:, :, 2, 2] = 1
    weights = torch.tensor([math.exp(-0.5), 1, math.exp(-0.5)]) / (1 + 2 * math.exp(-0.5))
    expected = torch.full((5, 5), -1.0)
    expected[1:4, 1:4] += 2 * torch.outer(weights, weights)
    torch.testing.assert_close(degrade(video, 0), expected.expand(3, 1, 5, 5))


def test_compressed_frames_lose_an_odd_row_and_column() -> None:
    """And an even grey stays nearly what it was."""
    grey = torch.full((3, 2, 7, 5), 0.5)
    degraded = degrade(grey, 51)
    assert degraded.shape == (3, 2, 6, 4)
    assert (degraded - 0.5).abs().max() < 0.03
    assert degrade(grey[..., :2, :2]).shape == (3, 2, 2, 2)


@pytest.mark.parametrize("crf", [-1, 52])
def test_other_strengths_are_refused(crf: int) -> None:
    """From 0 to 51 is what H.264 has."""
    with pytest.raises(ValueError, match=f"expected 0 ≤ crf ≤ 51, got {crf}"):
        degrade(torch.zeros(3, 1, 4, 4), crf)


@pytest.mark.parametrize("size", [(1, 4), (4, 1)])
def test_less_than_a_block_is_refused(size: tuple[int, int]) -> None:
    """Two pixels either way are the least."""
    with pytest.raises(ValueError, match="at least 2×2"):
        degrade(torch.zeros(3, 1, *size))
