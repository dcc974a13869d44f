"""Encoding and decoding piece by piece, with the result of doing it at once.

Nothing is computed twice and nothing is approximated: each convolution keeps the frames that its next output needs
(`ltx.vae.clip.ClipStream`), so memory depends on the length of a piece and not on that of the clip.

The encoder is causal: latents come out as soon as their frames are in. The decoder looks ahead in every convolution, so
its frames come out late: `ltx.vae.reach.decoder_reach` says by how many latents (22 for the released VAEs from 0.9.5
on), which is how far each output frame really depends on what follows. At the end its convolutions are closed a few at
a time, so that what they hold back comes out in pieces no longer than the others.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.offload import at_work
from ltx.shapes import TIME, VideoShape
from ltx.vae.clip import ClipStream, NoiseField
from ltx.vae.model import Moments, VideoVAE


class StreamingEncoder:
    """Encodes one clip as its frames arrive: 8k+1 of them first, then multiples of 8."""

    def __init__(self, vae: VideoVAE, noise: NoiseField | None = None) -> None:
        self.vae = vae
        self._clip = ClipStream(noise or NoiseField())
        self._size: tuple[int, ...] | None = None

    def moments(self, video: Float[Tensor, "b 3 f h w"]) -> Moments:
        """Moments of the latents of these frames; refuses what `raw` refuses."""
        return Moments.of(self.raw(video))

    def raw(self, video: Float[Tensor, "b 3 f h w"]) -> Float[Tensor, "b c f2 h2 w2"]:
        """Raw moments of these frames: means, and the log-variance in the last channel.

        Raises:
            ValueError: if the number of frames does not continue the clip, or batch or picture size changed.
        """
        size = (video.shape[0], *video.shape[3:])
        if self._size is None:
            VideoShape.of(video)
        elif size != self._size:
            raise ValueError(f"expected more frames of batch, height, width {self._size}, got {size}")
        elif video.shape[2] < TIME or video.shape[2] % TIME:
            raise ValueError(f"expected a multiple of {TIME} further frames, got {video.shape[2]}")
        self._size = size
        with at_work(self.vae):
            moments: Tensor = self.vae.encoder(video, self._clip)
        return moments

    def push(self, video: Float[Tensor, "b 3 f h w"]) -> Float[Tensor, "b c f2 h2 w2"]:
        """Normalised latents (the posterior mean) of these frames: one for the first frame, one for each further 8."""
        with at_work(self.vae):
            return self.vae.per_channel_statistics.normalize(self.moments(video).mean)


class StreamingDecoder:
    """Decodes one clip from un-normalised latents that arrive in pieces of any length ≥ 1."""

    def __init__(self, vae: VideoVAE, level: Float[Tensor, " b"], noise: NoiseField | None = None) -> None:
        self.vae = vae
        self.level = level
        self._clip = ClipStream(noise or NoiseField())
        self._empty: Tensor | None = None
        self._ended = False

    def push(self, latents: Float[Tensor, "b c f h w"]) -> Float[Tensor, "b 3 f2 h2 w2"]:
        """The frames that are now certain; none until enough latents lie ahead."""
        self._check(latents)
        self._empty = latents[:, :, :0]
        with at_work(self.vae):
            video: Tensor = self.vae.decoder(latents, self.level, self._clip)
        return video

    def finish(self, layers: int = 1) -> Iterator[Float[Tensor, "b 3 f2 h2 w2"]]:
        """The remaining frames: the last latent pushed was the clip's last.

        Args:
            layers: convolutions closed at a time; each brings out at most the frames of one latent.

        Raises:
            ValueError: if there were no latents or the stream has ended.
        """
        if self._empty is None or self._ended:
            raise ValueError("expected latents before the end, got none, or the stream has already ended")
        self._ended = True
        while self._clip.close(layers):
            with at_work(self.vae):
                video = self.vae.decoder(self._empty, self.level, self._clip)
            if video.shape[2]:
                yield video
            del video  # not alive beside the next piece

    def _check(self, latents: Tensor) -> None:
        if self._ended:
            raise ValueError("expected no more latents after finish(), make a new StreamingDecoder for another clip")
        if latents.shape[2] < 1 or (self._empty is not None and latents[:, :, :0].shape != self._empty.shape):
            shape = None if self._empty is None else tuple(self._empty.shape)
            raise ValueError(f"expected at least one latent frame continuing {shape}, got {tuple(latents.shape)}")


def decode_in_pieces(
    vae: VideoVAE,
    latents: Float[Tensor, "b c f h w"],
    *,
    frames: int,
    timestep: float | Float[Tensor, " b"] | None = None,
    noise_scale: float | None = None,
    generator: torch.Generator | None = None,
) -> Iterator[Float[Tensor, "b 3 f2 h2 w2"]]:
    """The pieces of `vae.decode(latents, …)`, `frames` latents at a time; joined along the frames they equal it.

    Raises:
        ValueError: if `frames` is below 1.
    """
    if frames < 1:
        raise ValueError(f"expected at least one latent frame at a time, got {frames}")
    prepared, level = vae.decoder_input(latents, timestep, noise_scale, generator)
    yield from stream_decode(StreamingDecoder(vae, level), prepared, frames)


def stream_decode(
    decoder: StreamingDecoder, latents: Float[Tensor, "b c f h w"], frames: int
) -> Iterator[Float[Tensor, "b 3 f2 h2 w2"]]:
    """Pushes un-normalised latents through a fresh decoder, `frames` at a time; only pieces with frames in them."""
    for piece in latents.split(frames, dim=2):
        video = decoder.push(piece)
        if video.shape[2]:
            yield video
        del video  # not alive beside the next piece
    yield from decoder.finish(frames)
