"""Drawing of body states with exact anti-aliasing of flat colours from signed distances."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from foresight.physics.look import PLAIN, Look
from foresight.physics.scene import Body


def render(
    positions: np.ndarray, bodies: Sequence[Body], size: int, look: Look = PLAIN, frames: Sequence[int] | None = None
) -> UInt8[Tensor, "rgb=3 frame height width"]:
    """Draw the bodies at their positions.

    Args:
        positions: (frames, bodies, 2), x and y of the centres in pixels; NaN leaves a body out of that frame.
        bodies: what to draw, in that order.
        size: height and width of the picture.
        look: what is behind and before them, and the camera.
        frames: which frames of the clip these are, each with its own camera noise; None: the first ones.
    """
    count = positions.shape[0]
    picture = np.empty((count, size, size, 3), np.float32)
    picture[:] = look.empty(size)
    centre_of_pixel = np.arange(size, dtype=np.float32) + 0.5
    for index, body in enumerate(bodies):
        dx = centre_of_pixel[None, None, :] - positions[:, index, 0, None, None]
        dy = centre_of_pixel[None, :, None] - positions[:, index, 1, None, None]
        distance = np.hypot(dx, dy) if body.shape == "ball" else np.maximum(np.abs(dx), np.abs(dy))
        coverage = np.nan_to_num(np.clip(0.5 + body.radius - distance, 0.0, 1.0))[..., None]
        picture += coverage * (look.colour(body.colour) - picture)
    if look.bar is not None:
        middle = look.bar.left + look.bar.width / 2
        coverage = np.clip(0.5 + look.bar.width / 2 - np.abs(centre_of_pixel - middle), 0.0, 1.0)[:, None]
        picture += coverage * (np.asarray(look.bar.colour, np.float32) * np.float32(look.brightness) - picture)
    if look.noise:
        for row, frame in enumerate(range(count) if frames is None else frames):
            grain = np.random.default_rng([look.seed, frame]).standard_normal((size, size, 3), np.float32)
            picture[row] += np.float32(look.noise) * grain
        picture = np.clip(picture, 0.0, 255.0)
    return torch.from_numpy(np.round(picture).astype(np.uint8)).permute(3, 0, 1, 2).contiguous()
