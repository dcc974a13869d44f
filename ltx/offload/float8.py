"""Weights stored in eight bits: float8 (e4m3) with a scale for each output channel, which is a power of two.

Scaling by a power of two rounds nothing. So a weight that was stored in float8 without scales, as in the released fp8
files, comes back as it was, to the bit; any other is off by at most a sixteenth of itself, or by 2⁻¹⁸ of the largest
of its channel where it is smaller than 2⁻¹⁴ of that.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

STORED = torch.float8_e4m3fn
LARGEST = 448.0


@dataclass(frozen=True)
class Float8:
    """A weight in float8.

    Attributes:
        values: in `STORED`.
        scale: powers of two; the weight is values · scale.
    """

    values: Tensor
    scale: Float[Tensor, "outputs 1"]

    @classmethod
    def of(cls, weight: Float[Tensor, "outputs inputs"]) -> Float8:
        """The nearest that can be stored."""
        largest = weight.abs().amax(dim=1, keepdim=True).float()
        # The smallest power of two with which the largest value stays within range; 1 for a channel of zeros.
        scale = torch.exp2(torch.ceil(torch.log2(largest / LARGEST)))
        scale = torch.where(largest > 0, scale, 1.0)
        return cls((weight.float() / scale).to(STORED), scale)

    def weight(self, dtype: torch.dtype) -> Float[Tensor, "outputs inputs"]:
        """The weight to compute with."""
        return self.values.to(dtype) * self.scale.to(dtype)

    def to(self, device: torch.device) -> Float8:
        """The same on another device."""
        return Float8(self.values.to(device, non_blocking=True), self.scale.to(device, non_blocking=True))
