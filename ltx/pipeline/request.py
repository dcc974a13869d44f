"""What is to be generated: everything of a call that both passes of a multi-scale run share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from ltx.conditioning import ConditioningItem
from ltx.flow import Progress
from ltx.media import blur, cover, crf_degrade
from ltx.shapes import SPACE, TIME, VideoShape
from ltx.text import TextConditioning


@dataclass(frozen=True)
class StartingVideo:
    """A video to repaint.

    Attributes:
        video: pixels in [−1, 1], one row for every sample or one for all.
        noise_level: in (0, 1): sampling begins at the first time of the schedule that is not above it. The lower, the
            more of the video stays.

    Raises:
        ValueError: for a noise level outside (0, 1).
    """

    video: Float[Tensor, "batch rgb=3 frame height width"]
    noise_level: float

    def __post_init__(self) -> None:
        if not 0 < self.noise_level < 1:
            raise ValueError(f"expected a noise level between 0 and 1, got {self.noise_level}")


@dataclass(frozen=True)
class Request:
    """A checked call.

    Attributes:
        positive: text of each sample.
        negative: negative text of each sample; None if the guidance needs none.
        frames: as asked for.
        height: as asked for.
        width: as asked for.
        frame_rate: frames per second.
        conditions: given frames.
        references: reference videos of an IC-LoRA.
        start: a video to repaint.
        conditioning_noise: noise on given frames during sampling.
        generators: one source of noise for each sample.
        on_step: told about every step.
    """

    positive: TextConditioning
    negative: TextConditioning | None
    frames: int
    height: int
    width: int
    frame_rate: float
    conditions: tuple[ConditioningItem, ...]
    references: tuple[Tensor, ...]
    start: StartingVideo | None
    conditioning_noise: float
    generators: Sequence[torch.Generator]
    on_step: Callable[[Progress], None] | None

    def __post_init__(self) -> None:
        if min(self.frames, self.height, self.width) < 1:
            raise ValueError(
                f"expected at least 1 frame of 1×1 pixels, got {self.frames} of {self.height}×{self.width}"
            )
        if self.conditioning_noise < 0:
            raise ValueError(f"expected a conditioning noise ≥ 0, got {self.conditioning_noise}")

    @property
    def shape(self) -> VideoShape:
        """The size to generate: rounded up to 8k+1 frames of multiples of 32 pixels."""
        frames = -(-(self.frames - 1) // TIME) * TIME + 1
        return VideoShape(frames, -(-self.height // SPACE) * SPACE, -(-self.width // SPACE) * SPACE)

    def fit(self, video: Float[Tensor, "b 3 f h w"], shape: VideoShape) -> Float[Tensor, "b 3 f h2 w2"]:
        """Given frames at the size of a pass: resized to the request, padded like it, resized to the pass."""
        full = self.shape
        video = _resize(video, self.height, self.width)
        padding = (0, full.width - self.width, 0, full.height - self.height, 0, 0)
        return _resize(F.pad(video, padding, mode="replicate"), shape.height, shape.width)

    def fit_whole(self, video: Float[Tensor, "b 3 f h w"], shape: VideoShape) -> Float[Tensor, "b 3 f2 h2 w2"]:
        """The same for a whole video, cut or continued with its last frame to the length."""
        video = video[:, :, : shape.frames]
        missing = shape.frames - video.shape[2]
        return self.fit(F.pad(video, (0, 0, 0, 0, 0, missing), mode="replicate"), shape)

    def crop(self, video: Float[Tensor, "b 3 f h w"]) -> Float[Tensor, "b 3 f2 h2 w2"]:
        """The asked-for part of a video of any pass."""
        video = _resize(video, self.shape.height, self.shape.width)
        return video[:, :, : self.frames, : self.height, : self.width]


def image_condition(
    image: Float[Tensor, "rgb=3 in_height in_width"],
    *,
    height: int,
    width: int,
    start: int = 0,
    strength: float = 1.0,
    crf: int = 29,
) -> ConditioningItem:
    """A picture as a condition, prepared as the released command line does it.

    It is cropped to the aspect, resized, blurred a little and compressed once: LTX-Video takes a flawless still for a
    video that does not move.

    Args:
        image: pixels in [−1, 1].
        height: of the video.
        width: of the video.
        start: frame at which it is to be seen.
        strength: see `ConditioningItem`.
        crf: strength of the H.264 compression, 0 to 51.
    """
    covered = cover(image[:, None], height, width, "bilinear")[:, 0]
    return ConditioningItem(crf_degrade(blur(covered), crf)[None, :, None], start, strength)


def _resize(video: Float[Tensor, "b 3 f h w"], height: int, width: int) -> Float[Tensor, "b 3 f h2 w2"]:
    if tuple(video.shape[-2:]) == (height, width):
        return video
    frames = rearrange(video, "b c f h w -> (b f) c h w")
    frames = F.interpolate(frames, (height, width), mode="bilinear", align_corners=False)
    return rearrange(frames, "(b f) c h w -> b c f h w", b=video.shape[0])
