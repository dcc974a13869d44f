"""Chat messages that name images or videos by path or address, as people write them for Qwen, read into frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError


def message_frames(
    messages: list[dict[str, Any]], *, patch: int
) -> tuple[Float[Tensor, "one=1 rgb=3 frame height width"], float]:
    """The image or video of a conversation in [−1, 1], and its frames per second, read by `qwen_vl_utils`.

    An image is a clip of one frame at one frame per second.

    Args:
        messages: Qwen's chat messages with one image or video among their contents.
        patch: side of the model's patches in pixels.

    Raises:
        UserError: if torchvision is missing or broken, which `qwen_vl_utils` is built on; or there is not exactly one
            image or video.
    """
    try:
        from qwen_vl_utils import process_vision_info
    except (ImportError, RuntimeError) as error:
        raise UserError(
            expected="a working torchvision, which qwen_vl_utils reads media with",
            got=f"none ({error})",
            remedy="install foresight-wm[qwen], or read the file with foresight and call `QwenEncoder.see`",
        ) from error
    images, videos, options = process_vision_info(messages, return_video_kwargs=True, image_patch_size=patch)
    found = len(images or []) + len(videos or [])
    if found != 1:
        raise UserError(
            expected="one image or video in the messages", got=str(found), remedy="ask about each on its own"
        )
    if images:
        pixels = torch.from_numpy(np.array(images[0].convert("RGB")))
        return rearrange(pixels, "h w c -> 1 c 1 h w").float() / 127.5 - 1.0, 1.0
    return rearrange(videos[0], "t c h w -> 1 c t h w").float() / 127.5 - 1.0, float(options["fps"][0])
