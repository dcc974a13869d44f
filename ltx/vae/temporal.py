"""Ways through the frames of a clip: at once, or streamed with the result of doing it at once.

Both take and give what the networks do: pixels to raw moments, un-normalised latents to pixels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from ltx.shapes import TIME
from ltx.vae.clip import NoiseField, WholeClip
from ltx.vae.model import VideoVAE
from ltx.vae.streaming import StreamingDecoder, StreamingEncoder, stream_decode


class AbstractTemporal(ABC):
    """A way of taking one (tile of a) clip through the networks. Results come in pieces along the frames."""

    @abstractmethod
    def encode(self, vae: VideoVAE, video: Float[Tensor, "b 3 f h w"]) -> Iterator[Float[Tensor, "b c f2 h2 w2"]]:
        """Raw moments: the means, and the log-variance in the last channel."""

    @abstractmethod
    def decode(
        self, vae: VideoVAE, latents: Float[Tensor, "b c f h w"], level: Float[Tensor, " b"], noise: NoiseField
    ) -> Iterator[Float[Tensor, "b 3 f2 h2 w2"]]:
        """Pixels of un-normalised latents."""


@dataclass(frozen=True)
class AtOnce(AbstractTemporal):
    """One piece: the whole clip."""

    def encode(self, vae: VideoVAE, video: Float[Tensor, "b 3 f h w"]) -> Iterator[Float[Tensor, "b c f2 h2 w2"]]:
        """Raw moments."""
        yield vae.encoder(video)

    def decode(
        self, vae: VideoVAE, latents: Float[Tensor, "b c f h w"], level: Float[Tensor, " b"], noise: NoiseField
    ) -> Iterator[Float[Tensor, "b 3 f2 h2 w2"]]:
        """Pixels."""
        yield vae.decoder(latents, level, WholeClip(noise))


@dataclass(frozen=True)
class Streamed(AbstractTemporal):
    """`frames` latent frames at a time, with the result of doing it at once."""

    frames: int

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ValueError(f"expected at least one latent frame at a time, got {self.frames}")

    def encode(self, vae: VideoVAE, video: Float[Tensor, "b 3 f h w"]) -> Iterator[Float[Tensor, "b c f2 h2 w2"]]:
        """Raw moments."""
        encoder = StreamingEncoder(vae)
        first = 1 + (self.frames - 1) * TIME
        yield encoder.raw(video[:, :, :first])
        for start in range(first, video.shape[2], self.frames * TIME):
            yield encoder.raw(video[:, :, start : start + self.frames * TIME])

    def decode(
        self, vae: VideoVAE, latents: Float[Tensor, "b c f h w"], level: Float[Tensor, " b"], noise: NoiseField
    ) -> Iterator[Float[Tensor, "b 3 f2 h2 w2"]]:
        """Pixels."""
        yield from stream_decode(StreamingDecoder(vae, level, noise), latents, self.frames)


def joined(pieces: Iterator[Tensor], frames: int, crop: Callable[[Tensor], Tensor]) -> Tensor:
    """The pieces, each cropped, side by side along `frames` frames; one piece that is all of them is not copied."""
    out: Tensor | None = None
    position = 0
    while (whole := next(pieces, None)) is not None:
        piece = crop(whole)
        if out is None and piece.shape[2] == frames:
            return piece
        if out is None:
            out = piece.new_empty(*piece.shape[:2], frames, *piece.shape[3:])
        out[:, :, position : position + piece.shape[2]] = piece
        position += piece.shape[2]
        del whole, piece  # not alive beside the next one
    assert out is not None and position == frames
    return out
