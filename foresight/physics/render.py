"""Drawing of body states with exact anti-aliasing of flat colours from signed distances."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from foresight.physics.scene import BACKGROUND, COLOURS, Body


def render(positions: np.ndarray, bodies: Sequence[Body], size: int) -> UInt8[Tensor, "rgb=3 frame height width"]:
    """Draw the bodies at their positions.

    Args:
        positions: (frames, bodies, 2), x and y of the centres in pixels; NaN leaves a body out of that frame.
        bodies: what to draw, in that order.
        size: height and width of the picture.
    """
    frames = positions.shape[0]
    picture = np.empty((frames, size, size, 3), np.float32)
    picture[:] = BACKGROUND
    centre_of_pixel = np.arange(size, dtype=np.float32) + 0.5
    for index, body in enumerate(bodies):
        dx = centre_of_pixel[None, None, :] - positions[:, index, 0, None, None]
        dy = centre_of_pixel[None, :, None] - positions[:, index, 1, None, None]
        distance = np.hypot(dx, dy) if body.shape == "ball" else np.maximum(np.abs(dx), np.abs(dy))
        coverage = np.nan_to_num(np.clip(0.5 + body.radius - distance, 0.0, 1.0))[..., None]
        picture += coverage * (np.asarray(COLOURS[body.colour], np.float32) - picture)
    return torch.from_numpy(np.round(picture).astype(np.uint8)).permute(3, 0, 1, 2).contiguous()
