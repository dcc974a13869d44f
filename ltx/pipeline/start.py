"""Starting points of sampling other than fresh noise."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ltx.values import as_pixels, check_finite


@dataclass(frozen=True)
class StartingVideo:
    """A video to repaint.

    Attributes:
        video: pixels in [−1, 1], one row for every sample or one for all.
        noise_level: in (0, 1): sampling begins at the first time of the schedule that is not above it. The lower, the
            more of the video stays.

    Raises:
        ValueError: for a noise level outside (0, 1), or a video of another shape.
    """

    video: Float[Tensor, "batch rgb=3 frame height width"]
    noise_level: float

    def __post_init__(self) -> None:
        check_level(self.noise_level)
        check_video("a video to repaint", self.video)
        object.__setattr__(self, "video", as_pixels(self.video, "a video to repaint"))

    def lasting(self, frames: int) -> StartingVideo:
        """With exactly so many frames: cut, or going on with its last one; a warning tells."""
        video = cut("a video to repaint", self.video, frames)
        missing = frames - video.shape[2]
        if missing:
            warnings.warn(
                f"a video to repaint has {video.shape[2]} of the {frames} frames asked for; its last one is repeated",
                stacklevel=2,
            )
        return replace(self, video=F.pad(video, (0, 0, 0, 0, 0, missing), mode="replicate"))


@dataclass(frozen=True)
class StartingLatents:
    """Latents to refine.

    Attributes:
        latents: normalised and clean, one row for every sample or one for all.
        noise_level: as in `StartingVideo`; None begins with the schedule's first time, which must be below 1.
    """

    latents: Float[Tensor, "batch channel frame height width"]
    noise_level: float | None


@dataclass(frozen=True)
class StartingNoise:
    """Noise to begin with as it is, one row for every sample or one for all."""

    noise: Float[Tensor, "batch channel frame height width"]


Start = StartingVideo | StartingLatents | StartingNoise


def check_level(level: float) -> None:
    """Refuse a noise level outside (0, 1).

    Raises:
        ValueError: with the level.
    """
    if not 0 < level < 1:
        raise ValueError(f"expected a noise level between 0 and 1, got {level}")


def check_video(name: str, video: Tensor) -> None:
    """Refuse what is not a batch of videos.

    Raises:
        ValueError: with its shape.
    """
    if video.ndim != 5 or video.shape[1] != 3 or not video.numel():
        raise ValueError(f"expected {name} (batch, 3, frame, height, width), got {tuple(video.shape)}")


def check_latents(name: str, latents: Any, channels: int) -> None:
    """Refuse what is not a batch of finite latents of so many channels.

    Raises:
        ValueError: with what came.
    """
    if not isinstance(latents, Tensor) or latents.ndim != 5 or latents.shape[1] != channels:
        got = tuple(latents.shape) if isinstance(latents, Tensor) else type(latents).__name__
        raise ValueError(f"expected {name} (batch, {channels}, frame, height, width), got {got}")
    if not latents.is_floating_point():
        raise ValueError(f"expected floating {name}, got {latents.dtype}")
    check_finite(latents, name)


def cut(name: str, video: Float[Tensor, "b 3 f h w"], frames: int) -> Float[Tensor, "b 3 f2 h w"]:
    """The first frames of a video, with a warning if that takes something away."""
    if video.shape[2] > frames:
        warnings.warn(f"of the {video.shape[2]} frames of {name} the first {frames} are used", stacklevel=3)
    return video[:, :, :frames]
