"""Encoding and decoding in tiles, for videos whose activations do not fit into memory at once.

Tiles are cut in latent space. Each is read with `margin` latents more on every side, which are thrown away, and
neighbours are faded into one another over `fade` latents. With a margin of at least the `picture` reach of
`ltx.vae.reach` every kept value has seen all that it depends on, and the result is that of doing it at once. Without a
margin the result is that of diffusers' tiles: `FADED`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.offload import at_work
from ltx.shapes import VideoShape
from ltx.vae.clip import NoiseField, Window
from ltx.vae.model import Moments, VideoVAE
from ltx.vae.spans import Span, fade, spans
from ltx.vae.temporal import AbstractTemporal, joined


@dataclass(frozen=True)
class Tiling:
    """Tiles of a latent picture.

    Attributes:
        size: rows and columns from one tile to the next.
        margin: further rows and columns that are read on every side and thrown away.
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
        return spans(length, size=self.size, margin=self.margin, fade=self.fade)


FADED = Tiling(size=14, margin=0, fade=2)
"""Tiles of 512 pixels every 448, faded over 64, as diffusers' by default."""


@dataclass(frozen=True)
class TiledVAE:
    """A VAE that works tile by tile, with the signatures of `VideoVAE`.

    Attributes:
        vae: the networks.
        tiling: how the picture is cut.
        temporal: how each tile goes through its frames.
    """

    vae: VideoVAE
    tiling: Tiling
    temporal: AbstractTemporal

    def moments(self, video: Float[Tensor, "b 3 f h w"]) -> Moments:
        """Moments as `VideoVAE.moments` gives them.

        Raises:
            ValueError: if the video is not 8k+1 frames of multiples of 32 pixels.
        """
        latent = VideoShape.of(video).latent
        _, down, across = self.vae.config.compression

        def tile(row: Span, column: Span) -> Tensor:
            rows = slice(row.read_start * down, row.read_stop * down)
            columns = slice(column.read_start * across, column.read_stop * across)
            pieces = self.temporal.encode(self.vae, video[..., rows, columns])
            return joined(pieces, latent.frames, lambda x: x[..., row.kept(1), column.kept(1)])

        with at_work(self.vae):
            return Moments.of(self._assemble(tile, latent.height, latent.width, (1, 1)))

    def encode(
        self, video: Float[Tensor, "b 3 f h w"], sample: bool = False, generator: torch.Generator | None = None
    ) -> Float[Tensor, "b c f2 h2 w2"]:
        """Normalised latents; arguments as those of `VideoVAE.encode`."""
        moments = self.moments(video)
        with at_work(self.vae):
            return self.vae.per_channel_statistics.normalize(moments.sample(generator) if sample else moments.mean)

    def decode(
        self,
        latents: Float[Tensor, "b c f h w"],
        timestep: float | Float[Tensor, " b"] | None = None,
        noise_scale: float | None = None,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "b 3 f2 h2 w2"]:
        """Video of normalised latents; arguments as those of `VideoVAE.decode`."""
        with at_work(self.vae):
            return self._decoded(latents, *self.vae.decoder_input(latents, timestep, noise_scale, generator))

    def _decoded(
        self, latents: Float[Tensor, "b c f h w"], prepared: Float[Tensor, "b c f h w"], level: Float[Tensor, " b"]
    ) -> Float[Tensor, "b 3 f2 h2 w2"]:
        """The video of latents that are prepared for the decoder."""
        time, down, across = self.vae.config.compression
        frames, height, width = latents.shape[2:]
        noise = NoiseField()

        def tile(row: Span, column: Span) -> Tensor:
            piece = prepared[..., row.read_start : row.read_stop, column.read_start : column.read_stop]
            rows, columns = piece.shape[-2:]
            window = Window(row.read_start, column.read_start, rows, columns, height, width)
            pieces = self.temporal.decode(self.vae, piece, level, noise.within(window))
            return joined(pieces, (frames - 1) * time + 1, lambda x: x[..., row.kept(down), column.kept(across)])

        return self._assemble(tile, height, width, (down, across))

    def _assemble(
        self, tile: Callable[[Span, Span], Tensor], height: int, width: int, scale: tuple[int, int]
    ) -> Tensor:
        """The picture from its tiles, row by row, each faded from the one above and then from the one to its left."""
        rows, columns = self.tiling.spans(height), self.tiling.spans(width)
        if len(rows) == len(columns) == 1:
            return tile(rows[0], columns[0])
        down, across = scale
        picture: Tensor | None = None
        above: dict[Span, Tensor] = {}
        for row in rows:
            left: Tensor | None = None
            for column in columns:
                x = tile(row, column)
                if picture is None:
                    picture = x.new_empty(*x.shape[:3], height * down, width * across)
                if column in above:
                    x = fade(above[column], x, axis=3)
                if left is not None:
                    x = fade(left, x, axis=4)
                bottom, right = (row.end - row.start) * down, (column.end - column.start) * across
                target = picture[..., row.start * down : row.end * down, column.start * across : column.end * across]
                target.copy_(x[..., :bottom, :right])
                above[column], left = x[..., bottom:, :].clone(), x[..., right:].clone()
        assert picture is not None
        return picture
