"""Turned and mirrored pictures."""

from __future__ import annotations

import struct
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ltx.media import MediaError, probe, read_video, to_pixels

ONE = 1 << 16


def rewritten(path: Path, target: Path, matrix: tuple[int, int, int, int]) -> Path:
    """A copy of an MP4 with another display matrix in its track header."""
    data = bytearray(path.read_bytes())
    box = data.index(b"tkhd")
    place = box + 8 + (32 if data[box + 4] == 1 else 20) + 16
    a, b, c, d = matrix
    # Moved so that what is shown lies right and below of the corner.
    x = 96 * ONE * (a < 0) + 64 * ONE * (c < 0)
    y = 96 * ONE * (b < 0) + 64 * ONE * (d < 0)
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, x, y, 1 << 30)
    target.write_bytes(data)
    return target


@pytest.fixture
def upright(tmp_path: Path, ffmpeg) -> Path:
    """96×64 pixels of which no two corners look alike."""
    return ffmpeg.make(tmp_path / "upright.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p")


def test_all_eight_are_shown_as_ffmpeg_shows_them(tmp_path: Path, ffmpeg: Any, upright: Path) -> None:
    """Quarter turns, mirrors, and both together; the size is that of the picture as shown."""
    for transposed, one, two in product((False, True), (-ONE, ONE), (-ONE, ONE)):
        matrix = (0, one, two, 0) if transposed else (one, 0, 0, two)
        path = rewritten(upright, tmp_path / "turned.mp4", matrix)
        height, width = (96, 64) if transposed else (64, 96)
        assert (probe(path).height, probe(path).width) == (height, width)
        ours = to_pixels(read_video(path).video).numpy().astype(int)
        shown = ffmpeg.shown(path, width, height).astype(int)
        assert ours.shape == shown.shape
        assert np.abs(ours - shown).mean() < 2, matrix


def test_a_matrix_of_zeros_means_upright(tmp_path: Path, upright: Path) -> None:
    """As players take it."""
    turned = read_video(rewritten(upright, tmp_path / "zeros.mp4", (0, 0, 0, 0)))
    assert turned.video.equal(read_video(upright).video)


@pytest.mark.parametrize("matrix", [(46341, 46341, -46341, 46341), (ONE, 0, 0, 0), (ONE, ONE // 2, 0, ONE)])
def test_other_angles_are_refused(tmp_path: Path, upright: Path, matrix: tuple[int, int, int, int]) -> None:
    """Half of a quarter, a squeezed and a sheared picture."""
    with pytest.raises(MediaError, match=r"turned by quarters.*turned\.mp4|by quarters"):
        read_video(rewritten(upright, tmp_path / "turned.mp4", matrix))
