"""How many frames a model is shown, and at which size: worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from foresight.vlm.preprocess import Patching, Preprocessing, quantise, smart_size

PATCHING = Patching(patch=14, merge=2, temporal=2)
PREPROCESSING = Preprocessing(
    frames_per_second=2.0,
    min_frames=4,
    max_frames=8,
    image_pixels=(784, 10**6),
    video_pixels=(784, 10**6),
    video_tokens=None,
    mean=(0.25, 0.5, 0.75),
    std=(0.5, 0.25, 0.5),
)


@pytest.mark.parametrize(
    ("frames", "rate", "indices"),
    [
        # Every fourth frame of 8 a second, counted back from the last.
        (17, 8.0, (0, 4, 8, 12, 16)),
        (16, 8.0, (3, 7, 11, 15)),
        # At least four frames: of nine every second one, of seven too, of six and of three each.
        (9, 8.0, (0, 2, 4, 6, 8)),
        (7, 8.0, (0, 2, 4, 6)),
        (6, 8.0, (0, 1, 2, 3, 4, 5)),
        (3, 8.0, (0, 1, 2)),
        # At most eight: of 64 every eighth one, though every fourth would do.
        (64, 8.0, (7, 15, 23, 31, 39, 47, 55, 63)),
    ],
)
def test_frames_are_counted_back_from_the_newest(frames: int, rate: float, indices: tuple[int, ...]) -> None:
    """The rate of what is seen is that of the clip divided by the step."""
    found = PREPROCESSING.sample(frames, rate)
    assert found.indices == indices
    assert found.rate == rate / (indices[1] - indices[0])


def test_a_clip_takes_at_most_nine_tenths_of_its_tokens() -> None:
    """Of 10 tokens 9 may be used, 4 by each pair of 4 frames: 2 × 2 of 28 × 28 pixels; 1,000 are enough for all."""
    assert replace(PREPROCESSING, video_tokens=10).size(4, 280, 280, PATCHING) == (56, 56)
    assert replace(PREPROCESSING, video_tokens=1000).size(4, 280, 280, PATCHING) == (280, 280)
    assert replace(PREPROCESSING, video_tokens=None).size(4, 280, 280, PATCHING) == (280, 280)
    # A picture alone is no clip, and a clip never gets less than the smallest area.
    assert replace(PREPROCESSING, video_tokens=10).size(1, 280, 280, PATCHING) == (280, 280)
    assert replace(PREPROCESSING, video_tokens=1).size(100, 280, 280, PATCHING) == (28, 28)


def test_pixels_are_normalised_by_channel() -> None:
    """(v / 255 − mean) / std: of white 1.5, 2 and 0.5, of black −0.5, −2 and −1.5."""
    pixels = torch.tensor([255, 0], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 1, 1)
    found = PREPROCESSING.normalise(pixels).flatten(1)
    torch.testing.assert_close(found, torch.tensor([[1.5, 2.0, 0.5], [-0.5, -2.0, -1.5]]))


def test_an_odd_frame_is_seen_twice() -> None:
    """Three frames are two times: the third is joined by a copy of itself."""
    frames = torch.randint(0, 256, (1, 3, 3, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    rows, grid = PREPROCESSING.patches(frames, PATCHING)
    again, _ = PREPROCESSING.patches(torch.cat([frames, frames[:, -1:]], dim=1), PATCHING)
    assert grid == (2, 2, 2) and torch.equal(rows, again)


@pytest.mark.parametrize(
    "change",
    [
        {"frames_per_second": float("inf")},
        {"video_tokens": 0},
        {"mean": (0.5, 0.5)},
        {"std": (0.5, 0.5)},
        {"mean": (0.5, 0.5, float("inf"))},
        {"std": (0.5, 0.5, 0.0)},
        {"std": (0.5, 0.5, float("inf"))},
        {"image_pixels": (0, 784)},
        {"image_pixels": (785, 784)},
        {"video_pixels": (0, 784)},
    ],
)
def test_impossible_policies_are_refused(change: dict[str, Any]) -> None:
    """Each number has a range of its own."""
    with pytest.raises(ValueError, match=f"expected.*{next(iter(change))}"):
        replace(PREPROCESSING, **change)


def test_the_least_policy_is_possible() -> None:
    """One frame at least and at most, areas of one size, one token."""
    least = replace(
        PREPROCESSING, min_frames=1, max_frames=1, image_pixels=(784, 784), video_pixels=(784, 784), video_tokens=1
    )
    assert least.sample(9, 2.0).indices == (8,) and least.sample(1, 2.0).indices == (0,)
    # Nothing is interpolated upwards: at less than the rate asked for every frame is seen.
    assert replace(PREPROCESSING, min_frames=1).sample(3, 0.5).indices == (0, 1, 2)
    for frames, rate in ((0, 8.0), (1, 0.0)):
        with pytest.raises(ValueError, match=f"got {frames} frames at {rate}"):
            least.sample(frames, rate)


def test_images_and_videos_have_areas_of_their_own() -> None:
    """One frame is an image; two are a video, whose frames never shrink below 1.05 times its smallest area."""
    preprocessing = replace(PREPROCESSING, image_pixels=(784, 784), video_pixels=(3136, 3136))
    assert preprocessing.size(1, 280, 280, PATCHING) == (28, 28) and preprocessing.size(2, 280, 280, PATCHING) == (
        56,
        56,
    )
    squeezed = replace(PREPROCESSING, video_pixels=(3136, 10**6), video_tokens=1)
    assert squeezed.size(100, 280, 280, PATCHING) == (56, 56)


@pytest.mark.parametrize(
    ("size", "low", "high", "expected"),
    [
        # A quarter of the area: half of each side, rounded down.
        ((280, 140), 784, 9800, (140, 56)),
        # Four times the area: twice each side, rounded up.
        ((28, 56), 6272, 10**6, (56, 112)),
        # Sides of 60 and 50 are two tokens each, an area exactly in range.
        ((60, 50), 3136, 10**6, (56, 56)),
        ((60, 50), 784, 3136, (56, 56)),
        # However thin, one token remains.
        ((28, 2800), 784, 784, (28, 280)),
        # Half a token is none, and an area of nothing grows: by 0.14, rounded up.
        ((14, 2800), 784, 10**6, (28, 420)),
    ],
)
def test_sizes_by_hand(size: tuple[int, int], low: int, high: int, expected: tuple[int, int]) -> None:
    """Multiples of 28 near the size, or near it scaled so that the area fits."""
    found = smart_size(*size, factor=28, low=low, high=high)
    assert found == expected


def test_a_side_is_at_most_200_times_the_other() -> None:
    """14 × 2800 is taken, 14 × 2801 is not."""
    for size in ((14, 2801), (2801, 14)):
        with pytest.raises(ValueError, match="aspect ratio of at most 200"):
            smart_size(*size, factor=28, low=784, high=10**6)


def test_frames_become_bytes() -> None:
    """−1, 0 and 1 are 0, 128 and 255, the time axis before the colours."""
    video = torch.tensor([-1.0, 0.0, 1.0]).view(1, 1, 3, 1, 1).expand(2, 3, 3, 1, 2)
    found = quantise(video)
    assert found.shape == (2, 3, 3, 1, 2) and found[0, :, 0, 0, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("shape", [(3, 2, 4, 4), (1, 2, 2, 4, 4), (1, 3, 0, 4, 4), (0, 3, 2, 4, 4)])
def test_other_shapes_are_no_video(shape: tuple[int, ...]) -> None:
    """Five axes, three colours, at least one frame of one clip."""
    with pytest.raises(ValueError, match="expected"):
        quantise(torch.zeros(shape))
