"""Frames to Qwen's patch rows, as transformers' processor makes them, on the device of the frames."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor
from transformers import Qwen2_5_VLConfig

from ltx.values import as_pixels


@dataclass(frozen=True)
class Patching:
    """Patch sizes of the vision tower in pixels and frames, from the model's configuration."""

    patch: int
    merge: int
    temporal: int

    @property
    def factor(self) -> int:
        """Pixels along one side of a merged token: heights and widths are multiples of it."""
        return self.patch * self.merge


def patching_of(config: Qwen2_5_VLConfig) -> Patching:
    """Patch sizes of a model's vision tower."""
    vision: Any = config.vision_config
    return Patching(vision.patch_size, vision.spatial_merge_size, vision.temporal_patch_size)


@dataclass(frozen=True)
class Sampling:
    """Frames chosen from a clip.

    Args:
        indices: chosen frames, evenly spaced, the last frame among them.
        rate: chosen frames per second.
    """

    indices: tuple[int, ...]
    rate: float


@dataclass(frozen=True)
class Preprocessing:
    """Frame sampling, resizing and normalisation of a VLM's video input.

    Args:
        frames_per_second: rate to which videos are thinned out; never interpolated upwards.
        min_frames: thin out less where fewer frames than this would be left.
        max_frames: thin out more where more than this would be left.
        image_pixels: smallest and largest area of an image in pixels.
        video_pixels: the same for each frame of a video.
        video_tokens: share of the model's context that one video may fill, as a number of merged tokens (the
            reference implementation takes 90 % of it); frames shrink to fit. None: no bound.
        mean: mean of the red, green and blue channel on the scale 0 to 1.
        std: standard deviation on the same scale.
    """

    frames_per_second: float
    min_frames: int
    max_frames: int
    image_pixels: tuple[int, int]
    video_pixels: tuple[int, int]
    video_tokens: int | None
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __post_init__(self) -> None:
        if not 0 < self.frames_per_second < math.inf:
            raise ValueError(f"expected frames_per_second above 0, got {self.frames_per_second}")
        if self.video_tokens is not None and self.video_tokens < 1:
            raise ValueError(f"expected video_tokens above 0, got {self.video_tokens}")
        if len(self.mean) != 3 or len(self.std) != 3 or not all(map(math.isfinite, self.mean)):
            raise ValueError(f"expected mean and std of three channels, got {self.mean} and {self.std}")
        if not all(0 < value < math.inf for value in self.std):
            raise ValueError(f"expected std above 0, got {self.std}")
        if not 1 <= self.min_frames <= self.max_frames:
            raise ValueError(f"expected 1 <= min_frames <= max_frames, got {self.min_frames} and {self.max_frames}")
        for name, (low, high) in (("image_pixels", self.image_pixels), ("video_pixels", self.video_pixels)):
            if not 0 < low <= high:
                raise ValueError(f"expected {name} as a smallest and a largest area, got {low} and {high}")

    def sample(self, frames: int, frame_rate: float) -> Sampling:
        """Every n-th frame, counted back from the last one: the newest frame is never dropped."""
        if frames < 1 or not frame_rate > 0:
            raise ValueError(f"expected at least one frame and a rate above 0, got {frames} frames at {frame_rate}")
        stride = max(1, round(frame_rate / self.frames_per_second))
        if self.min_frames > 1:
            stride = max(1, min(stride, (frames - 1) // (self.min_frames - 1)))
        stride = max(stride, math.ceil(frames / self.max_frames))
        return Sampling(tuple(range((frames - 1) % stride, frames, stride)), frame_rate / stride)

    def size(self, frames: int, height: int, width: int, patching: Patching) -> tuple[int, int]:
        """Height and width to resize to: multiples of the token size, an area in range, the aspect ratio kept."""
        low, high = self.image_pixels if frames == 1 else self.video_pixels
        if frames > 1 and self.video_tokens is not None:
            budget = int(self.video_tokens * patching.factor**2 * 0.9) * patching.temporal // frames
            high = max(min(high, budget), int(low * 1.05))
        return smart_size(height, width, factor=patching.factor, low=low, high=high)

    def patches(
        self, frames: UInt8[Tensor, "batch frame rgb=3 height width"], patching: Patching
    ) -> tuple[Float[Tensor, "batch cell value"], tuple[int, int, int]]:
        """Patch rows and their grid (times, rows, columns).

        A row holds channel × frame × patch row × patch column; rows run over times, then merged tokens in raster
        order, then the patches of one merged token.
        """
        height, width = self.size(frames.shape[1], frames.shape[-2], frames.shape[-1], patching)
        resized = resize(rearrange(frames, "b t c h w -> (b t) c h w"), height, width)
        pixels = self.normalise(resized).unflatten(0, frames.shape[:2])
        # An odd number of frames is filled up with copies of the last one.
        missing = -pixels.shape[1] % patching.temporal
        pixels = torch.cat([pixels, pixels[:, -1:].expand(-1, missing, -1, -1, -1)], dim=1)
        rows = rearrange(
            pixels,
            "b (t p) c (h m i) (w n j) -> b (t h w m n) (c p i j)",
            p=patching.temporal,
            m=patching.merge,
            n=patching.merge,
            i=patching.patch,
            j=patching.patch,
        )
        return rows, (pixels.shape[1] // patching.temporal, height // patching.patch, width // patching.patch)

    def normalise(
        self, pixels: UInt8[Tensor, "*batch rgb=3 height width"]
    ) -> Float[Tensor, "*batch rgb=3 height width"]:
        """Subtract the mean and divide by the deviation, both on the scale 0 to 255 (one rounding fewer)."""
        mean, std = (torch.tensor(v, device=pixels.device)[:, None, None] * 255.0 for v in (self.mean, self.std))
        return (pixels.float() - mean) / std


def quantise(video: Float[Tensor, "batch rgb=3 frame height width"]) -> UInt8[Tensor, "batch frame rgb=3 height width"]:
    """Frames in [−1, 1] as the 8-bit pictures that the processor works on; small overshoots are clamped.

    Raises:
        ValueError: for another shape, values that are not finite, or a range that is not [−1, 1].
    """
    if video.ndim != 5 or video.shape[1] != 3:
        raise ValueError(f"expected a video (batch, 3, frames, height, width), got a tensor {tuple(video.shape)}")
    if 0 in video.shape:
        raise ValueError(f"expected at least one frame with at least one pixel, got a tensor {tuple(video.shape)}")
    frames = ((as_pixels(video, "the frames").float() + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return rearrange(frames, "b c t h w -> b t c h w")


def resize(
    images: UInt8[Tensor, "image rgb=3 _ _"], height: int, width: int
) -> UInt8[Tensor, "image rgb=3 height width"]:
    """Antialiased bicubic resizing, rounded to 8 bits as torchvision does it: directly on bytes where torch can."""
    if images.shape[-2:] == (height, width):
        return images
    if images.device.type == "cpu":
        return F.interpolate(images, (height, width), mode="bicubic", align_corners=False, antialias=True)
    resized = F.interpolate(images.float(), (height, width), mode="bicubic", align_corners=False, antialias=True)
    return resized.clamp(0, 255).round().to(torch.uint8)


def smart_size(height: int, width: int, *, factor: int, low: int, high: int) -> tuple[int, int]:
    """Qwen's rule: multiples of `factor` near the given size, scaled until low ≤ area ≤ high.

    Raises:
        ValueError: if one side is more than 200 times the other.
    """
    if max(height, width) > 200 * min(height, width):
        raise ValueError(f"expected an aspect ratio of at most 200, got {height}×{width}")
    rows, columns = (round(side / factor) * factor for side in (height, width))
    if rows * columns > high:
        scale = math.sqrt(height * width / high)
        rows, columns = (max(factor, math.floor(side / scale / factor) * factor) for side in (height, width))
    elif rows * columns < low:
        scale = math.sqrt(low / (height * width))
        rows, columns = (math.ceil(side * scale / factor) * factor for side in (height, width))
    return rows, columns
