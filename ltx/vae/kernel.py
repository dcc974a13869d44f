"""The extent of the VAE's convolutions in time."""

from __future__ import annotations

from typing import Protocol

KERNEL = 3
"""Frames, rows and columns of every kernel."""


class TemporalKernel(Protocol):
    """A convolution as seen along the frames.

    Attributes:
        temporal_padding: frames repeated in front and behind.
        temporal_stride: frames from one output to the next.
    """

    temporal_padding: tuple[int, int]
    temporal_stride: int
