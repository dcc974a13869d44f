"""Frames that a generated video must contain, where, and how strictly."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from ltx.shapes import TIME
from ltx.values import as_pixels, check_finite


@dataclass(frozen=True)
class ConditioningItem:
    """An image or clip to be found in the generated video.

    Attributes:
        frames: pixels in [−1, 1], one row for every sample or one for all; 1 frame for an image. Bytes 0…255 are
            converted.
        start: frame of the generated video at which it begins. A clip that starts after frame 0 needs a multiple of 8.
        strength: 1 keeps it as it is, 0 ignores it; between, it is blended with noise and repainted from there.

    Raises:
        ValueError: for a negative start, a start between latent frames, a strength outside [0, 1], or pixels that are
            not finite or in another range.
    """

    frames: Float[Tensor, "batch rgb=3 frame height width"]
    start: int
    strength: float

    def __post_init__(self) -> None:
        _check(self.start, self.strength)
        if self.frames.ndim != 5 or self.frames.shape[1] != 3 or self.frames.shape[2] < 1:
            raise ValueError(f"expected frames (batch, 3, frame, height, width), got {tuple(self.frames.shape)}")
        object.__setattr__(self, "frames", as_pixels(self.frames, "the frames of a condition"))
        if self.frames.shape[2] > 1 and self.start % TIME:
            raise ValueError(
                f"expected a clip to start at a multiple of {TIME} frames, got {self.start}; "
                f"the nearest is {round(self.start / TIME) * TIME}"
            )

    def trimmed(self, video_frames: int) -> ConditioningItem:
        """The part that fits a video of this many frames, cut to 8k+1 frames.

        Raises:
            ValueError: if it starts behind the video's end, or a clip after frame 0 is left with fewer than 9 frames.
        """
        count = min(self.frames.shape[2], video_frames - self.start)
        if count < 1:
            raise ValueError(f"expected a start below the {video_frames} frames of the video, got {self.start}")
        count = (count - 1) // TIME * TIME + 1
        if self.start and self.frames.shape[2] > 1 and count < TIME + 1:
            raise ValueError(
                f"expected at least {TIME + 1} frames of a clip that starts at frame {self.start} to lie in a video of "
                f"{video_frames} frames, got {min(self.frames.shape[2], video_frames - self.start)}"
            )
        return replace(self, frames=self.frames[:, :, :count])


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
        raise ValueError(f"expected a start frame ≥ 0, got {start}")
    if not 0 <= strength <= 1:
        raise ValueError(f"expected a strength in [0, 1], got {strength}")
