"""Reading a single picture."""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.media.frames import numbered_pictures
from ltx.media.limits import Limits
from ltx.media.pixels import cover, to_float

LIMITS = Limits()


def read_picture(
    path: str | Path, *, size: tuple[int, int], limits: Limits = LIMITS
) -> Float[Tensor, "rgb=3 height width"]:
    """A PNG, JPEG, WebP, BMP or TIFF file in [−1, 1], scaled to cover (height, width) and cropped to its middle.

    Raises:
        MediaError: if it cannot be read or exceeds the limits.
    """
    path = Path(path)
    with closing(numbered_pictures([path], rate=Fraction(1), count=1, path=path, limits=limits)) as stream:
        picture = next(stream)
        pixels = picture.pixels(picture.info.height, picture.info.width)
    return cover(to_float(torch.from_numpy(pixels.copy())[None]), *size, "bilinear")[:, 0]
