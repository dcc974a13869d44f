"""Pictures and clips made into conditions as the released command line does it.

The libraries of pictures and videos are imported where they are used: a pipeline without conditions needs none.
"""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from ltx.conditioning import ConditioningItem
from ltx.pipeline.start import StartingVideo

CRF = 29


def image_condition(
    image: Float[Tensor, "rgb=3 in_height in_width"],
    *,
    height: int,
    width: int,
    start: int = 0,
    strength: float = 1.0,
    crf: int = CRF,
) -> ConditioningItem:
    """A picture as a condition: cropped to the video's aspect, blurred a little and compressed once.

    All of it happens in the picture's own resolution; the pipeline resizes what is left to each pass.

    Args:
        image: pixels in [−1, 1].
        height: of the video.
        width: of the video.
        start: frame at which it is to be seen.
        strength: see `ConditioningItem`.
        crf: strength of the H.264 compression, 1 to 51; 0 leaves it out.

    Raises:
        ValueError: for pixels that are not finite or too few, or a value out of its range.
    """
    return clip_condition(image[:, None], height=height, width=width, start=start, strength=strength, crf=crf)


def clip_condition(
    video: Float[Tensor, "rgb=3 frame in_height in_width"],
    *,
    height: int,
    width: int,
    start: int = 0,
    strength: float = 1.0,
    crf: int = CRF,
) -> ConditioningItem:
    """A clip as a condition, every frame prepared as `image_condition` does it."""
    from ltx.media import crop_to_aspect, degrade

    return ConditioningItem(degrade(crop_to_aspect(video, height, width), crf)[None], start, strength)


def starting_video(
    video: Float[Tensor, "rgb=3 frame in_height in_width"],
    *,
    height: int,
    width: int,
    noise_level: float,
    crf: int = CRF,
) -> StartingVideo:
    """A video to repaint: every frame cropped, here also resized (Pillow's bicubic), then blurred and compressed.

    Raises:
        ValueError: as `image_condition`, and for a noise level outside (0, 1).
    """
    from ltx.media import crop_to_aspect, degrade, to_float, to_pixels

    pixels = to_pixels(crop_to_aspect(video, height, width))
    if tuple(pixels.shape[1:3]) != (height, width):
        resized = [_bicubic(frame, height, width) for frame in pixels]
        pixels = torch.stack(resized)
    return StartingVideo(degrade(to_float(pixels), crf)[None], noise_level)


def _bicubic(frame: Tensor, height: int, width: int) -> Tensor:
    from PIL import Image

    data = bytearray(Image.fromarray(frame.numpy()).resize((width, height), Image.Resampling.BICUBIC).tobytes())
    return rearrange(torch.frombuffer(data, dtype=torch.uint8), "(h w c) -> h w c", h=height, w=width)
