"""One frame of a stream."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.media import Limits, to_float
from ltx.media.frames import Picture
from ltx.media.reader import covering

ENDLESS = Limits(frames=2**62, bytes=2**62, seconds=1e9)
"""Limits on single pictures only: a stream may go on for ever, since none of it is kept."""


@dataclass(frozen=True)
class StreamFrame:
    """One frame of a stream.

    Args:
        frame: RGB in [−1, 1].
        seconds: after the first frame.
        follows: whether it comes one step after the arrival before it; False at the start and after a gap.
    """

    frame: Float[Tensor, "rgb=3 height width"]
    seconds: float
    follows: bool

    @classmethod
    def of(cls, picture: Picture, size: tuple[int, int], *, seconds: float, follows: bool) -> StreamFrame:
        """A decoded picture, scaled to cover the size and cropped to its middle."""
        pixels = torch.from_numpy(covering(picture, size, ENDLESS).copy())
        return cls(to_float(pixels[None])[:, 0], seconds, follows)
