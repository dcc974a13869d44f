"""The place of a piece of video in its clip: what the layers of the VAE must know beyond the tensor.

A convolution needs the frames beside the ones it is given, a shortcut must wait for a main path that looks ahead, and
injected noise belongs to a place in the picture. `WholeClip` is the ordinary case of a whole clip in one tensor;
`ClipStream` is a clip that arrives in pieces and keeps the frames each layer still needs, so that the pieces of the
output join to exactly what the whole clip would give.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from ltx.vae.kernel import KERNEL, TemporalKernel
from ltx.vae.prologue import AbstractPrologue


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


class Margins(NamedTuple):
    """Frames around a convolution's input: kept ones or copies of the first in front, copies of the last behind."""

    kept: Tensor | None
    front: int
    behind: int


class AbstractClip(ABC):
    """Context of one encode or decode; made anew for each."""

    def __init__(self, noise: NoiseField) -> None:
        self.noise = noise

    def extend(
        self, layer: TemporalKernel, x: Float[Tensor, "b c f h w"], prologue: AbstractPrologue
    ) -> Float[Tensor, "b c f2 h w"]:
        """The prologue's result for `x` with the frames around it that the convolution reads, channels-last."""
        kept, front, behind = self._margins(layer, x.shape[2])
        if torch.is_grad_enabled():
            x = prologue(x)
            before = [x[:, :, :1]] * front if kept is None else [kept]
            extended = torch.cat([*before, x], dim=2) if before else x
            if behind:
                extended = torch.cat([extended, *[extended[:, :, -1:]] * behind], dim=2)
        else:
            batch, channels, frames, height, width = x.shape
            size = (batch, front + frames + behind, height, width, channels)
            extended = rearrange(x.new_empty(size), "b f h w c -> b c f h w")
            if frames:
                prologue.write(x, extended[:, :, front : front + frames])
            if front:
                extended[:, :, :front] = extended[:, :, front : front + 1] if kept is None else kept
            if behind:
                extended[:, :, -behind:] = extended[:, :, -behind - 1 : -behind]
        self._keep(layer, extended)
        return extended

    @abstractmethod
    def _margins(self, layer: TemporalKernel, frames: int) -> Margins:
        """The margins of these frames."""

    @abstractmethod
    def _keep(self, layer: TemporalKernel, extended: Float[Tensor, "b c f h w"]) -> None:
        """Remember what the convolution's next outputs read of these frames."""

    @abstractmethod
    def align(self, block: nn.Module, x: Float[Tensor, "b c f h w"], frames: int) -> Float[Tensor, "b c f2 h w"]:
        """The frames of a shortcut's input that belong to the main path's `frames` output frames."""

    @abstractmethod
    def opens(self, block: nn.Module, frames: int) -> bool:
        """True if the first of these frames of this block is the first of the clip."""


class WholeClip(AbstractClip):
    """All frames are at hand; beyond the ends the edge frames repeat."""

    def _margins(self, layer: TemporalKernel, frames: int) -> Margins:
        return Margins(None, *layer.temporal_padding)

    def _keep(self, layer: TemporalKernel, extended: Float[Tensor, "b c f h w"]) -> None:
        """Nothing follows."""

    def align(self, block: nn.Module, x: Float[Tensor, "b c f h w"], frames: int) -> Float[Tensor, "b c f2 h w"]:
        """Everything: nothing waits."""
        return x

    def opens(self, block: nn.Module, frames: int) -> bool:
        """Always."""
        return True


class ClipStream(AbstractClip):
    """The clip arrives in pieces, and at its end its layers are closed one after another.

    A non-causal convolution keeps its newest frame back until the next one arrives, so pieces come out later and, at
    first, shorter or empty. After the last piece `close` says how many of these convolutions, in the order of the data,
    now repeat their last frame instead of waiting; pieces without frames then bring out what they held back. Closing
    few at a time keeps the pieces at the end as short as the others.
    """

    def __init__(self, noise: NoiseField) -> None:
        super().__init__(noise)
        self._order: dict[int, int] = {}
        self._closing = range(0)
        self._before: dict[int, Tensor] = {}
        self._waiting: dict[int, Tensor] = {}
        self._opened: set[int] = set()

    def close(self, layers: int) -> bool:
        """Let that many more convolutions end with the next piece; False if all had ended."""
        self._closing = range(self._closing.stop, self._closing.stop + layers)
        return self._closing.start < len(self._order)

    def _margins(self, layer: TemporalKernel, frames: int) -> Margins:
        front, behind = layer.temporal_padding
        if behind and self._order.setdefault(id(layer), len(self._order)) not in self._closing:
            behind = 0
        kept = self._before.get(id(layer))
        front = kept.shape[2] if kept is not None else front if frames else 0
        return Margins(kept, front, behind if front + frames else 0)

    def _keep(self, layer: TemporalKernel, extended: Float[Tensor, "b c f h w"]) -> None:
        if frames := extended.shape[2]:
            # What the next output reads of these: two frames with stride 1, one with stride 2.
            keep = KERNEL - layer.temporal_stride if frames >= KERNEL else frames
            self._before[id(layer)] = extended[:, :, frames - keep :].clone()

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
