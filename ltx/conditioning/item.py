"""Frames that a generated video must contain, where, and how strictly."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from ltx.numerals import number, whole
from ltx.shapes import TIME
from ltx.values import as_pixels, check_finite


@dataclass(frozen=True)
class ConditioningItem:
    """An image or clip to be found in the generated video.

    Attributes:
        frames: pixels in [−1, 1], one row for every sample or one for all; 1 frame for an image. Bytes 0…255 are
            converted.
        start: frame of the generated video at which it begins.
        strength: 1 keeps it as it is, 0 ignores it; between, it is blended with noise and repainted from there.

    Raises:
        ValueError: for a negative start, a strength outside [0, 1], frames of another shape, or pixels that are not
            finite or in another range.
    """

    frames: Float[Tensor, "batch rgb=3 frame height width"]
    start: int
    strength: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", whole("start", self.start))
        object.__setattr__(self, "strength", number("strength", self.strength))
        _check(self.start, self.strength)
        if self.frames.ndim != 5 or self.frames.shape[1] != 3 or self.frames.shape[2] < 1:
            raise ValueError(f"expected frames (batch, 3, frame, height, width), got {tuple(self.frames.shape)}")
        object.__setattr__(self, "frames", as_pixels(self.frames, "the frames of a condition"))

    def trimmed(self, video_frames: int) -> ConditioningItem:
        """The part that a video of this many frames can be given, with a warning if it is not the whole.

        Latents of a clip cover 8k+1 frames, and after frame 0 they fit the video's grid from multiples of 8 on. So a
        clip loses what lies behind the video's end, a clip after frame 0 also the frames before the next multiple of 8,
        and then the frames beyond 8k+1. If fewer than 9 are left, it is its first frame alone, which may lie anywhere.

        Raises:
            ValueError: if it starts behind the video's end.
        """
        count = self.frames.shape[2]
        fit = min(count, video_frames - self.start)
        if fit < 1:
            raise ValueError(
                f"expected a start below the {video_frames} frames of the video, got {self.start}; the last frame is "
                f"{video_frames - 1}"
            )
        skipped = -self.start % TIME if fit > 1 else 0
        kept = (fit - skipped - 1) // TIME * TIME + 1
        if kept < TIME + 1:
            skipped, kept = 0, 1
        if kept < count:
            warnings.warn(
                f"of the {count} frames of a clip that starts at frame {self.start} of a video of {video_frames}, "
                f"{_counted(skipped, kept)} used: a clip is given as 8k+1 frames that begin at a multiple of {TIME}",
                stacklevel=2,
            )
        return replace(self, frames=self.frames[:, :, skipped : skipped + kept], start=self.start + skipped)


@dataclass(frozen=True)
class LatentItem:
    """A conditioning item after encoding.

    Attributes:
        latents: normalised latents, one row for every sample or one for all.
        start: as in `ConditioningItem`.
        strength: as in `ConditioningItem`.

    Raises:
        ValueError: as in `ConditioningItem`.
    """

    latents: Float[Tensor, "batch channel frame height width"]
    start: int
    strength: float

    def __post_init__(self) -> None:
        _check(self.start, self.strength)
        check_finite(self.latents, "the latents of a condition")
        if self.latents.shape[2] > 1 and self.start % TIME:
            raise ValueError(f"expected a clip to start at a multiple of {TIME} frames, got {self.start}")


def _check(start: int, strength: float) -> None:
    if start < 0:
        raise ValueError(f"expected a start frame ≥ 0, got {start}; the last frame of a video of n is n − 1")
    if not 0 <= strength <= 1:
        raise ValueError(f"expected a strength in [0, 1], got {strength}")


def _counted(skipped: int, kept: int) -> str:
    if kept == 1:
        return "the first alone is"
    return f"the first {kept} are" if not skipped else f"the {kept} after the first {skipped} are"
