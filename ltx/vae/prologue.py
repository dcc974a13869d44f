"""Pointwise functions of a convolution's input, written straight beside the padding frames.

A convolution of the VAE reads an extended tensor: the frames of its input and copies or kept frames around them. Where
no gradient is recorded that tensor is allocated first, and norm, modulation and SiLU write into its middle. So a
padding costs no pass over memory, and none of the steps keeps a tensor of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ltx.vae.norm import EPSILON, pixel_norm


class Modulation(NamedTuple):
    """Shift and scale after a norm, each (batch, channels, 1, 1, 1)."""

    shift: Tensor
    scale: Tensor

    def __call__(self, x: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b c f h w"]:
        """x·(1 + scale) + shift."""
        return torch.addcmul(self.shift, x, 1 + self.scale)


class AbstractPrologue(ABC):
    """A function of each position of a convolution's input, in two forms of equal result."""

    @abstractmethod
    def __call__(self, x: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b c f h w"]:
        """The result, differentiable."""

    @abstractmethod
    def write(self, x: Float[Tensor, "b c f h w"], out: Float[Tensor, "b c f h w"]) -> None:
        """The result into `out`, which is channels-last and not `x`; without gradient."""


class Plain(AbstractPrologue):
    """Nothing: the input as it is."""

    def __call__(self, x: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b c f h w"]:
        """`x`."""
        return x

    def write(self, x: Float[Tensor, "b c f h w"], out: Float[Tensor, "b c f h w"]) -> None:
        """A copy."""
        out.copy_(x)


class Activation(AbstractPrologue):
    """SiLU of the pixel norm, modulated by the decoder's timestep where there is one."""

    def __init__(self, modulation: Modulation | None = None) -> None:
        self.modulation = modulation

    def __call__(self, x: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b c f h w"]:
        """Norm, modulation, SiLU."""
        x = pixel_norm(x)
        return F.silu(self.modulation(x) if self.modulation else x)

    def write(self, x: Float[Tensor, "b c f h w"], out: Float[Tensor, "b c f h w"]) -> None:
        """The same in place; the norm is taken in float32 at least."""
        if not x.is_contiguous(memory_format=torch.channels_last_3d):
            # What torch convolves on a CPU with its own code (small clips, bfloat16) leaves the layout, in which a norm
            # over channels takes longer than the copy that restores it.
            x = out.copy_(x)
        precision = torch.promote_types(x.dtype, torch.float32)
        length = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=precision)
        torch.mul(x, length.square_().div_(x.shape[1]).add_(EPSILON).rsqrt_(), out=out)
        if self.modulation:
            torch.addcmul(self.modulation.shift, out, 1 + self.modulation.scale, out=out)
        F.silu(out, inplace=True)


def accumulate(x: Float[Tensor, "b c f h w"], y: Float[Tensor, "#b #c #f #h #w"]) -> Float[Tensor, "b c f h w"]:
    """x + y; in the memory of `x`, which the caller gives up, where no gradient is recorded."""
    return x + y if torch.is_grad_enabled() else x.add_(y)
