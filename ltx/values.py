"""Checks of tensors that enter: finite numbers, and pixels in [−1, 1]."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

PIECE = 1 << 22
"""Values of float8 that are looked at together."""

TOLERANCE = 0.01
"""How far pixels may lie outside [−1, 1]: what resampling filters and rounding leave behind."""


def is_finite(tensor: Tensor) -> bool:
    """True if no value is NaN or infinite, as in types without either."""
    if not tensor.is_floating_point():
        return True
    if not tensor.numel():
        return True
    if tensor.dtype.itemsize == 1:  # float8 has no order of its own
        return all(is_finite(piece.to(torch.bfloat16)) for piece in tensor.reshape(-1).split(PIECE))
    # Both extremes are NaN where any value is. They cost no memory; a sum would cast half precision to add it.
    return all(bool(torch.isfinite(extreme)) for extreme in torch.aminmax(tensor))


def check_finite(tensor: Tensor, what: str) -> None:
    """Refuse a tensor with NaN or infinity.

    Args:
        tensor: of any type.
        what: its name, for the message.

    Raises:
        ValueError: with how many of its values are not finite.
    """
    if not is_finite(tensor):
        wrong = int((~torch.isfinite(tensor.float())).sum())
        raise ValueError(
            f"expected finite values in {what}, got {wrong} of {tensor.numel()} that are NaN or infinite; "
            "look where they were made"
        )


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """The names of the tensors that hold NaN or infinity."""
    return [name for name, tensor in tensors.items() if not is_finite(tensor)]


def as_pixels(video: Tensor, what: str) -> Tensor:
    """Pixels as floats in [−1, 1]: bytes are scaled by x / 127.5 − 1, floats come back as they are.

    Args:
        video: bytes, or floats in [−1, 1].
        what: its name, for the message.

    Raises:
        ValueError: for NaN and infinity, floats in another range such as 0…255, and other integers.
    """
    if video.dtype == torch.uint8:
        return video.float() / 127.5 - 1
    if not video.is_floating_point():
        raise ValueError(f"expected {what} as bytes, or as floats in [-1, 1], got {video.dtype}; convert them first")
    check_finite(video, what)
    low, high = (float(end) for end in video.aminmax()) if video.numel() else (0.0, 0.0)
    if max(-low, high) > 1 + TOLERANCE:
        raise ValueError(
            f"expected {what} in [-1, 1], got values from {low:.4g} to {high:.4g}; "
            "scale 0…255 by x / 127.5 - 1, and clamp what is beyond the ends"
        )
    return video
