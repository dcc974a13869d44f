"""Three-dimensional Haar wavelets and the distance of videos in their sub-bands (arXiv 2501.00103, section on the VAE).

One level splits a video along frames, rows and columns into sums and differences of neighbours, each divided by √2, so
the transform is orthonormal: eight sub-bands of half the size, from the low-pass LLL to the finest detail HHH. An L1
distance there weighs sharp edges and fast motion as much as flat areas, which a pixel distance does not.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

AXES = (2, 3, 4)
BANDS = ("LLL", "LLH", "LHL", "LHH", "HLL", "HLH", "HHL", "HHH")
"""Names of the sub-bands in order; the letters stand for frame, height, width, L for sum, H for difference."""


def haar(
    video: Float[Tensor, "batch channel frame height width"],
) -> Float[Tensor, "batch band=8 channel half_frame half_height half_width"]:
    """The eight sub-bands of one level of the orthonormal 3-D Haar transform, in the order of `BANDS`.

    Raises:
        ValueError: if frames, height or width is odd.
    """
    if any(video.shape[axis] % 2 for axis in AXES):
        frames, height, width = video.shape[2:]
        raise ValueError(f"expected even numbers of frames, rows and columns, got {frames}×{height}×{width}")
    bands = [video]
    for axis in AXES:
        bands = [half for band in bands for half in _split(band, axis)]
    return torch.stack(bands, dim=1)


def wavelet_loss(
    reconstruction: Float[Tensor, "batch channel frame height width"],
    target: Float[Tensor, "batch channel frame height width"],
) -> Float[Tensor, ""]:
    """Mean absolute difference of the eight sub-bands, all weighted alike.

    A video of 8k+1 frames has an odd number of them: its first frame is repeated once in front, as in the causal
    convolutions, so the first frame stands alone and every other frame meets its neighbour.

    Raises:
        ValueError: if the shapes differ, or height or width is odd.
    """
    if reconstruction.shape != target.shape:
        raise ValueError(
            f"expected two videos of one shape, got {tuple(reconstruction.shape)} and {tuple(target.shape)}"
        )
    difference = reconstruction - target
    if difference.shape[2] % 2:
        difference = torch.cat([difference[:, :, :1], difference], dim=2)
    return haar(difference).abs().mean()  # the transform is linear


def _split(video: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    even, odd = video.unflatten(axis, (-1, 2)).unbind(dim=axis + 1)
    return (even + odd) * 0.5**0.5, (even - odd) * 0.5**0.5
