"""How many frames a model is shown, and at which size: worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from foresight.vlm.preprocess import FramePolicy, Patching

PATCHING = Patching(patch=14, merge=2, temporal=2)
POLICY = FramePolicy(
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
    found = POLICY.sample(frames, rate)
    assert found.indices == indices
    assert found.rate == rate / (indices[1] - indices[0])


def test_a_clip_takes_at_most_nine_tenths_of_its_tokens() -> None:
    """Of 10 tokens 9 may be used, 4 by each pair of 4 frames: 2 × 2 of 28 × 28 pixels; 1,000 are enough for all."""
    assert replace(POLICY, video_tokens=10).size(4, 280, 280, PATCHING) == (56, 56)
    assert replace(POLICY, video_tokens=1000).size(4, 280, 280, PATCHING) == (280, 280)
    assert replace(POLICY, video_tokens=None).size(4, 280, 280, PATCHING) == (280, 280)
    # A picture alone is no clip, and a clip never gets less than the smallest area.
    assert replace(POLICY, video_tokens=10).size(1, 280, 280, PATCHING) == (280, 280)
    assert replace(POLICY, video_tokens=1).size(100, 280, 280, PATCHING) == (28, 28)


def test_pixels_are_normalised_by_channel() -> None:
    """(v / 255 − mean) / std: of white 1.5, 2 and 0.5, of black −0.5, −2 and −1.5."""
    pixels = torch.tensor([255, 0], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 1, 1)
    found = POLICY.normalise(pixels).flatten(1)
    torch.testing.assert_close(found, torch.tensor([[1.5, 2.0, 0.5], [-0.5, -2.0, -1.5]]))


def test_an_odd_frame_is_seen_twice() -> None:
    """Three frames are two times: the third is joined by a copy of itself."""
    frames = torch.randint(0, 256, (1, 3, 3, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    rows, grid = POLICY.patches(frames, PATCHING)
    again, _ = POLICY.patches(torch.cat([frames, frames[:, -1:]], dim=1), PATCHING)
    assert grid == (2, 2, 2) and torch.equal(rows, again)
