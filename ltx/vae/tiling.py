"""Decoding in spatial tiles, for pictures whose activations do not fit into memory at once.

Tiles are cut in latent space. Each is decoded with `margin` latents more on every side, which are thrown away, and
neighbours are faded into one another over `fade` latents. With a margin of at least the `picture` reach of
`ltx.vae.reach.decoder_reach` every kept pixel has seen all that it depends on, and the result is that of `decode`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.vae.clip import NoiseField, WholeClip, Window
from ltx.vae.model import VideoVAE


class Span(NamedTuple):
    """One tile along one axis, in latents: what is read, what of it is kept, and the fades at its two ends."""

    read_start: int
    read_stop: int
    start: int
    stop: int
    fade_in: int
    fade_out: int


@dataclass(frozen=True)
class Tiling:
    """Tiles of a latent picture.

    Attributes:
        size: rows and columns from one tile to the next.
        margin: further rows and columns that are decoded on every side and thrown away.
        fade: rows and columns over which a tile passes linearly into the next; at most `size`.
    """

    size: int
    margin: int
    fade: int = 0

    def __post_init__(self) -> None:
        if self.size < 1 or self.margin < 0 or not 0 <= self.fade <= self.size:
            raise ValueError(
                f"expected size ≥ 1, margin ≥ 0 and 0 ≤ fade ≤ size, got {self.size}, {self.margin} and {self.fade}"
            )

    def spans(self, length: int) -> list[Span]:
        """The tiles along an axis of this many latents."""
        spans: list[Span] = []
        for start in range(0, length, self.size):
            end = min(start + self.size, length)
            stop = min(end + self.fade, length)
            fade_in = spans[-1].fade_out if spans else 0
            spans.append(
                Span(max(start - self.margin, 0), min(stop + self.margin, length), start, stop, fade_in, stop - end)
            )
        return spans


class TiledVAE:
    """Decodes with a VAE tile by tile; time is not cut."""

    def __init__(self, vae: VideoVAE, tiling: Tiling) -> None:
        self.vae = vae
        self.tiling = tiling

    def decode(
        self,
        latents: Float[Tensor, "b c f h w"],
        timestep: float | Float[Tensor, " b"] | None = None,
        noise_scale: float | None = None,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "b 3 f2 h2 w2"]:
        """Video of normalised latents; arguments as those of `VideoVAE.decode`."""
        prepared, level = self.vae.decoder_input(latents, timestep, noise_scale, generator)
        time, down, across = self.vae.config.compression
        batch, _, frames, height, width = latents.shape
        video = latents.new_zeros(batch, 3, (frames - 1) * time + 1, height * down, width * across)
        noise = NoiseField()
        for row in self.tiling.spans(height):
            for column in self.tiling.spans(width):
                piece = prepared[..., row.read_start : row.read_stop, column.read_start : column.read_stop]
                rows_read, columns_read = piece.shape[-2], piece.shape[-1]
                window = Window(row.read_start, column.read_start, rows_read, columns_read, height, width)
                tile = self.vae.decoder(piece, level, WholeClip(noise.within(window)))
                tile = tile[..., _kept(row, down), _kept(column, across)]
                weight = _weight(row, down, tile).unsqueeze(1) * _weight(column, across, tile)
                rows = slice(row.start * down, row.stop * down)
                columns = slice(column.start * across, column.stop * across)
                video[..., rows, columns] += tile * weight
        return video


def _kept(span: Span, scale: int) -> slice:
    return slice((span.start - span.read_start) * scale, (span.stop - span.read_start) * scale)


def _weight(span: Span, scale: int, like: Tensor) -> Tensor:
    """Weights of a tile's pixels; those of neighbours add up to 1."""
    weight = like.new_ones((span.stop - span.start) * scale)
    rise, fall = span.fade_in * scale, span.fade_out * scale
    if rise:
        weight[:rise] = (torch.arange(rise).to(weight) + 0.5) / rise
    if fall:
        weight[-fall:] *= 1 - (torch.arange(fall).to(weight) + 0.5) / fall
    return weight
