"""Pixels of any kind on their way into a file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ltx.media import read_video, to_float, to_pixels, write_lossless


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
