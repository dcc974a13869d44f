"""The size a caller asks for, and the padded one that the networks can make."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from ltx.shapes import SPACE, TIME, VideoShape


@dataclass(frozen=True)
class Size:
    """A video's size as asked for.

    Attributes:
        frames: any number.
        height: any number of pixels.
        width: likewise.

    Raises:
        ValueError: for less than one frame of one pixel.
    """

    frames: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if min(self.frames, self.height, self.width) < 1:
            raise ValueError(
                f"expected at least 1 frame of 1×1 pixels, got {self.frames} of {self.height}×{self.width}"
            )

    @property
    def padded(self) -> VideoShape:
        """Rounded up to 8k+1 frames of multiples of 32 pixels."""
        frames = -(-(self.frames - 1) // TIME) * TIME + 1
        return VideoShape(frames, -(-self.height // SPACE) * SPACE, -(-self.width // SPACE) * SPACE)

    @property
    def origin(self) -> tuple[int, int]:
        """Row and column of the padded picture at which the asked-for part begins: the middle, rounded down."""
        return (self.padded.height - self.height) // 2, (self.padded.width - self.width) // 2

    def fit(self, video: Float[Tensor, "b 3 f h w"], shape: VideoShape) -> Float[Tensor, "b 3 f h2 w2"]:
        """Given frames at the size of a pass: padded evenly with grey (zeros), then resized once.

        The padding is in proportion to the frames' own resolution, so that they end where the video is cropped.
        """
        (top, left), whole = self.origin, self.padded
        rows, columns = video.shape[-2] / self.height, video.shape[-1] / self.width
        edges = [left * columns, (whole.width - self.width - left) * columns]
        edges += [top * rows, (whole.height - self.height - top) * rows]
        return _resize(F.pad(video, [round(edge) for edge in edges]), shape.height, shape.width)

    def fit_whole(self, video: Float[Tensor, "b 3 f h w"], shape: VideoShape) -> Float[Tensor, "b 3 f2 h2 w2"]:
        """The same with the number of frames rounded up to 8k+1 by repeating the last."""
        missing = -(video.shape[2] - 1) % TIME
        return self.fit(F.pad(video, (0, 0, 0, 0, 0, missing), mode="replicate"), shape)

    def crop(self, video: Float[Tensor, "b 3 f h w"]) -> Float[Tensor, "b 3 f2 h2 w2"]:
        """The asked-for part of a decoded video of any pass, clamped to [−1, 1] before it is resized."""
        top, left = self.origin
        video = _resize(video.clamp(-1, 1), self.padded.height, self.padded.width)
        return video[:, :, : self.frames, top : top + self.height, left : left + self.width]


def _resize(video: Float[Tensor, "b 3 f h w"], height: int, width: int) -> Float[Tensor, "b 3 f h2 w2"]:
    """Bilinear and without antialiasing, as released."""
    if tuple(video.shape[-2:]) == (height, width):
        return video
    frames = rearrange(video, "b c f h w -> (b f) c h w")
    frames = F.interpolate(frames, (height, width), mode="bilinear", align_corners=False)
    return rearrange(frames, "(b f) c h w -> b c f h w", b=video.shape[0])
