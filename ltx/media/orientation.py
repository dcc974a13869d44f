"""Rotation and mirroring of a picture before it is shown."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from av import VideoFrame
from jaxtyping import UInt8

from ltx.media.limits import MediaError

_NEARLY = 0.02
"""About one degree."""


@dataclass(frozen=True)
class Orientation:
    """Transposed first, then mirrored.

    Args:
        transposed: rows become columns.
        left_right: mirrored at the vertical middle.
        upside_down: mirrored at the horizontal middle.
    """

    transposed: bool = False
    left_right: bool = False
    upside_down: bool = False

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width as shown of those as stored, and the reverse."""
        return (width, height) if self.transposed else (height, width)

    def apply(self, pixels: UInt8[np.ndarray, "height width rgb=3"]) -> np.ndarray:
        """The picture as shown."""
        if self.transposed:
            pixels = pixels.transpose(1, 0, 2)
        return pixels[:: -1 if self.upside_down else 1, :: -1 if self.left_right else 1]


def side_data(frame: VideoFrame) -> dict[str, bytes]:
    """Side data of a frame, by FFmpeg's names."""
    found: Iterable[Any] = frame.side_data
    return {one.type.name: bytes(one) for one in found}


def orientation(frame: VideoFrame) -> Orientation:
    """Read a frame's display matrix (ISO/IEC 14496-12, 6.2.2): (x, y) is shown at (ax + cy, bx + dy).

    Raises:
        MediaError: if it turns by anything but quarters.
    """
    matrix = side_data(frame).get("DISPLAYMATRIX")
    if matrix is None:
        return Orientation()
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix[:36])
    longest = max(map(abs, (a, b, c, d)))
    if longest == 0:  # written by some editors where identity is meant, and taken so by players
        return Orientation()
    small = _NEARLY * longest
    if abs(b) <= small and abs(c) <= small and min(abs(a), abs(d)) > small:
        return Orientation(False, a < 0, d < 0)
    if abs(a) <= small and abs(d) <= small and min(abs(b), abs(c)) > small:
        return Orientation(True, c < 0, b < 0)
    raise MediaError(
        f"expected pictures turned by quarters, got {frame.rotation:g}°; "
        "write the video anew as it is to be seen: ffmpeg -i VIDEO turned.mp4"
    )
