"""Pixels of any kind on their way into a file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ltx.media import centre_crop, cover, cover_size, read_video, to_float, to_pixels, write_lossless


def test_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    """A video of bytes is the same file, read again, as its floats."""
    video = torch.arange(3 * 2 * 32 * 32).remainder(256).to(torch.uint8).reshape(3, 2, 32, 32)
    write_lossless(tmp_path / "bytes.mp4", video, frame_rate=8)
    assert torch.equal(to_pixels(read_video(tmp_path / "bytes.mp4").video), video.permute(1, 2, 3, 0))
    assert torch.equal(to_pixels(to_float(video.permute(1, 2, 3, 0))), to_pixels(video))


def test_other_ranges_are_refused() -> None:
    """What a decoder draws a little beyond [−1, 1] is clipped; integers and 0…255 are not guessed at."""
    assert to_pixels(torch.full((3, 1, 2, 2), 1.7)).eq(255).all()
    with pytest.raises(ValueError, match=r"scale 0…255"):
        to_pixels(torch.full((3, 1, 2, 2), 200.0))
    with pytest.raises(ValueError, match=r"as bytes"):
        to_pixels(torch.full((3, 1, 2, 2), 200))


@pytest.mark.parametrize("shape", [(3, 4, 4), (4, 1, 4, 4), (3, 0, 4, 4), (1, 3, 1, 4, 4)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    """Without frames, of other colours, of none, and batches."""
    with pytest.raises(ValueError, match=r"expected a video of shape \(3, frames, height, width\)"):
        to_pixels(torch.zeros(shape))


def test_what_is_not_finite_is_refused() -> None:
    """And the last value that is taken is 16."""
    assert to_pixels(torch.full((3, 1, 2, 2), -16.0)).eq(0).all()
    with pytest.raises(ValueError, match=r"in \[-1, 1\], got 16\.1"):
        to_pixels(torch.full((3, 1, 2, 2), -16.1))
    for value in (torch.nan, torch.inf):
        with pytest.raises(ValueError, match="finite pixel values"):
            to_pixels(torch.full((3, 1, 2, 2), value))


def test_floats_are_rounded_to_bytes() -> None:
    """(x + 1)·127.5 to the nearest, and back x / 127.5 − 1."""
    given = torch.tensor([-1.0, -0.5, 0.1, 1.0])
    assert to_pixels(given.expand(3, 1, 1, 4))[0, 0, :, 0].tolist() == [0, 64, 140, 255]
    back = to_float(torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 1, 3, 1).expand(1, 1, 3, 3))
    torch.testing.assert_close(back[0, 0, 0], torch.tensor([-1.0, -0.6, 1.0]))


@pytest.mark.parametrize(
    ("own", "target", "size"),
    [
        ((100, 200), (40, 60), (40, 80)),
        ((100, 200), (40, 100), (50, 100)),
        ((200, 100), (60, 40), (80, 40)),
        ((32, 48), (32, 48), (32, 48)),
        ((3, 1000), (2, 1), (2, 667)),
    ],
)
def test_the_smallest_size_that_covers(own: tuple[int, int], target: tuple[int, int], size: tuple[int, int]) -> None:
    """Of the same aspect, and never smaller than the target."""
    assert cover_size(*own, *target) == size


def test_the_middle_of_a_frame() -> None:
    """An odd remainder leaves the larger margin behind; a frame that is too small either way is refused."""
    places = torch.arange(35.0).view(1, 1, 5, 7).expand(3, 1, 5, 7)
    kept = centre_crop(places, 2, 4)[0, 0]
    assert (kept[0, 0].item(), kept[-1, -1].item()) == (1 * 7 + 1, 2 * 7 + 4)
    assert torch.equal(centre_crop(places, 5, 7), places)
    for size in ((6, 7), (5, 8)):
        with pytest.raises(ValueError, match="to crop from"):
            centre_crop(places, *size)


def test_covering_a_size_keeps_what_fits() -> None:
    """A video of that size comes back as it is; another is resized, within [−1, 1]."""
    video = torch.linspace(-1, 1, 3 * 8 * 8).view(3, 1, 8, 8)
    assert torch.equal(cover(video, 8, 8), video)
    assert cover(video, 4, 6).shape == (3, 1, 4, 6) and cover(video.sign(), 16, 16).abs().max() == 1
