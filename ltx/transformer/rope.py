"""Rotary position embedding over seconds, pixel rows and pixel columns, on the whole width before the head split.

The table is made once per sampling run. Its order of operations in float32 is part of the released weights' meaning:
with frequencies up to 5000π, one unit in the last place of a frequency moves a cosine by up to 1e-2.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Complex, Float
from torch import Tensor


def rotation_table(
    coordinates: Float[Tensor, "batch axis=3 token"],
    *,
    width: int,
    theta: float,
    max_positions: tuple[float, float, float],
) -> Float[Tensor, "batch token pair part=2"]:
    """Cosine and sine of every channel pair's angle, float32.

    Pair (j, axis) of the width//6 frequencies ω_j = (π/2)·theta^(j/(J−1)) turns by ω_j·(2u_axis − 1) with u the
    coordinate over its maximum (not clamped). Pairs are ordered by frequency, then axis; the width % 6 channels that
    remain come first and do not turn.

    Args:
        coordinates: seconds, pixel rows and pixel columns of each token.
        width: of the vectors to rotate; even, ≥ 6.
        theta: ratio of the highest to the lowest frequency.
        max_positions: seconds, pixel rows and pixel columns that map to u = 1.
    """
    count = width // 6
    # Made on the CPU whatever the device: another device's `pow` may round differently, and the phase would move.
    exponents = torch.linspace(0.0, 1.0, count, dtype=torch.float32)
    frequencies = (theta**exponents * math.pi / 2).to(coordinates.device)
    fractions = torch.stack(
        [axis / limit for axis, limit in zip(coordinates.float().unbind(1), max_positions, strict=True)], dim=-1
    )
    angles = frequencies[:, None] * (fractions[:, :, None] * 2 - 1)
    angles = rearrange(angles, "b n j a -> b n (j a)")
    angles = F.pad(angles, (width // 2 - 3 * count, 0))
    return torch.stack((angles.cos(), angles.sin()), dim=-1)


def rotate(
    vectors: Float[Tensor, "*part batch token width"], table: Float[Tensor, "#batch token pair part=2"]
) -> Float[Tensor, "*part batch token width"]:
    """Turn adjacent channel pairs (x₀, x₁) to (x₀ cos − x₁ sin, x₁ cos + x₀ sin), in float32, in the vectors' dtype.

    Eagerly this is one complex product over views; a compiler cannot generate complex code, so it gets the same
    product written out, which it fuses with the norm before and the cast after.
    """
    if torch.compiler.is_compiling():
        pairs = vectors.float().unflatten(-1, (-1, 2))
        (first, second), (cos, sin) = pairs.unbind(-1), table.unbind(-1)
        turned = torch.stack((first * cos - second * sin, second * cos + first * sin), dim=-1)
    else:
        turned = torch.view_as_real(_pairs(vectors.float()) * torch.view_as_complex(table))
    return turned.flatten(-2).to(vectors.dtype)


def rotate_(
    vectors: Float[Tensor, "*part batch token width"], table: Float[Tensor, "#batch token pair part=2"]
) -> Float[Tensor, "*part batch token width"]:
    """The same in the memory of float32 vectors that the caller gives up; eager and without gradient."""
    _pairs(vectors).mul_(torch.view_as_complex(table))
    return vectors


def _pairs(vectors: Float[Tensor, "*part batch token width"]) -> Complex[Tensor, "*part batch token pair"]:
    """Adjacent channels as complex numbers: a view."""
    return torch.view_as_complex(vectors.unflatten(-1, (-1, 2)))
