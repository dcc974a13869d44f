"""Where the piece of video at hand lies in its clip: what the layers of the VAE must know beyond the tensor.

A convolution needs the frames beside the ones it is given, a shortcut must wait for a main path that looks ahead, and
injected noise belongs to a place in the picture. `WholeClip` is the ordinary case of a whole clip in one tensor;
`ClipStream` is a clip that arrives in pieces and keeps the frames each layer still needs, so that the pieces of the
output join to exactly what the whole clip would give.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

if TYPE_CHECKING:
    from ltx.vae.convolution import CausalConv3d

KERNEL = 3


@dataclass(frozen=True)
class Window:
    """A rectangle of a latent picture, for tiles: its first row and column, and the size of the whole picture."""

    top: int
    left: int
    rows: int
    columns: int
    all_rows: int
    all_columns: int


@dataclass(frozen=True)
class NoiseField:
    """Injected noise: one standard normal map for each injection, the same for all pieces of one decode.

    Drawn from torch's global generator, as the release does, in the order in which the layers first ask.
    """

    window: Window | None = None
    maps: dict[int, Tensor] = field(default_factory=dict)

    def within(self, window: Window) -> NoiseField:
        """The part of the same field that a tile sees."""
        return replace(self, window=window)

    def map(self, scale: nn.Parameter, x: Float[Tensor, "b c f h w"]) -> Float[Tensor, "h w"]:
        """The map that `scale` weighs, at the resolution of `x`."""
        height, width = x.shape[-2:]
        window = self.window or Window(0, 0, height, width, height, width)
        down, across = height // window.rows, width // window.columns
        if id(scale) not in self.maps:
            size = (window.all_rows * down, window.all_columns * across)
            self.maps[id(scale)] = torch.randn(size, device=x.device, dtype=x.dtype)
        top, left = window.top * down, window.left * across
        return self.maps[id(scale)][top : top + height, left : left + width]


class AbstractClip(ABC):
    """Context of one encode or decode; made anew for each."""

    def __init__(self, noise: NoiseField) -> None:
        self.noise = noise

    @abstractmethod
    def extend(self, layer: CausalConv3d, x: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b c f2 h w"]:
        """`x` with the frames around it that the convolution reads."""

    @abstractmethod
    def align(self, block: nn.Module, x: Float[Tensor, "b c f h w"], frames: int) -> Float[Tensor, "b c f2 h w"]:
        """The frames of a shortcut's input that belong to the main path's `frames` output frames."""

    @abstractmethod
    def opens(self, block: nn.Module, frames: int) -> bool:
        """Whether the first of these frames of this block is the first of the clip."""


class WholeClip(AbstractClip):
    """All frames are at hand; beyond the ends the edge frames repeat."""

    def extend(self, layer: CausalConv3d, x: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b c f2 h w"]:
        """Repeated edge frames on both sides, or twice the first."""
        return F.pad(x, (0, 0, 0, 0, *layer.temporal_padding), mode="replicate")

    def align(self, block: nn.Module, x: Float[Tensor, "b c f h w"], frames: int) -> Float[Tensor, "b c f2 h w"]:
        """Everything: nothing waits."""
        return x

    def opens(self, block: nn.Module, frames: int) -> bool:
        """Always."""
        return True


class ClipStream(AbstractClip):
    """The clip arrives in pieces; `last` is to be set before the last one.

    A non-causal convolution keeps its newest frame back until the next one arrives, so pieces come out later and, at
    first, shorter or empty; the last piece brings the rest.
    """

    def __init__(self, noise: NoiseField) -> None:
        super().__init__(noise)
        self.last = False
        self._before: dict[int, Tensor] = {}
        self._waiting: dict[int, Tensor] = {}
        self._opened: set[int] = set()

    def extend(self, layer: CausalConv3d, x: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b c f2 h w"]:
        """The kept frames, `x`, and after the last piece the repeated end; shorter than a kernel if more must come."""
        front, behind = layer.temporal_padding
        parts = [x]
        if id(layer) in self._before:
            parts.insert(0, self._before[id(layer)])
        elif x.shape[2]:
            parts.insert(0, x[:, :, :1].expand(-1, -1, front, -1, -1))
        extended = torch.cat(parts, dim=2)
        if self.last and behind:
            extended = torch.cat([extended, extended[:, :, -1:]], dim=2)
        if frames := extended.shape[2]:
            # What the next output reads of these: two frames with stride 1, one with stride 2.
            keep = KERNEL - layer.conv.stride[0] if frames >= KERNEL else frames
            self._before[id(layer)] = extended[:, :, frames - keep :].clone()
        return extended

    def align(self, block: nn.Module, x: Float[Tensor, "b c f h w"], frames: int) -> Float[Tensor, "b c f2 h w"]:
        """The oldest `frames` frames that have not been used; the rest waits."""
        waiting = self._waiting.get(id(block))
        if waiting is not None and waiting.shape[2]:
            x = torch.cat([waiting, x], dim=2)
        self._waiting[id(block)] = x[:, :, frames:].clone()
        return x[:, :, :frames]

    def opens(self, block: nn.Module, frames: int) -> bool:
        """True once, with the first frames that are not none."""
        if not frames or id(block) in self._opened:
            return False
        self._opened.add(id(block))
        return True
