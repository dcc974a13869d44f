"""Reading a single picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ltx.home import at_home
from ltx.media.limits import Limits
from ltx.media.pixels import cover, to_float
from ltx.media.remarks import aloud
from ltx.media.still import load_still

LIMITS = Limits()


def read_picture(
    path: str | Path, *, size: tuple[int, int] | None = None, limits: Limits = LIMITS
) -> Float[Tensor, "rgb=3 height width"]:
    """A PNG, JPEG, WebP, BMP or TIFF file in [−1, 1], scaled to cover (height, width) and cropped to its middle.

    Without a size it keeps its own.

    Raises:
        MediaError: if it cannot be read or exceeds the limits.
    """
    path = at_home(path)
    pixels = torch.from_numpy(np.array(load_still(path, limits, aloud(path))))
    picture = to_float(pixels[None])
    return (picture if size is None else cover(picture, *size, "bilinear"))[:, 0]
