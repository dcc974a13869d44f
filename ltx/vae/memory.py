"""Peak memory of encoding and decoding, from the block lists.

Counted are the bytes of all tensors alive at one time without gradients, beyond the weights and the given video or
latents: activations, what a stream keeps, and the result. Not counted are the allocator's rounding and the workspace
of a convolution algorithm, which depend on the device; leave room for them.

A residual block, the largest part, holds three tensors of its size: its input, the extended input of a convolution
(two frames longer), and that convolution's output. A stream keeps two frames in front of each convolution and those
that a shortcut waits for.
"""

from __future__ import annotations

from dataclasses import dataclass

from ltx.shapes import LatentShape
from ltx.vae.config import BlockSpec, VAEConfig

VECTORS = 64
"""Allowance for embeddings, scales and statistics: so many vectors of the widest layer."""


@dataclass
class _Walk:
    """Position in a network: what lives at the present layer, the most that ever lived, and what a stream keeps."""

    channels: int
    frames: int
    area: int
    """Rows × columns."""
    streamed: bool
    lag: int
    """Frames by which a convolution of the stream holds its output back: 1 in the decoder, 0 in the encoder."""
    dropped: int = 0
    """What an upsampler's output still holds of the frame that it drops."""
    peak: int = 0
    kept: int = 0

    @property
    def size(self) -> int:
        return self.channels * self.frames * self.area

    def live(self, *values: int) -> None:
        self.peak = max(self.peak, sum(values))

    def extended(self, channels: int, frames: int, stride: int = 1) -> int:
        """The input of a convolution with its margins, where the stream's copy of the kept ones is made."""
        frame = channels * self.area
        if not self.streamed:
            return (frames + 2) * frame
        new = (3 - stride) * frame
        self.kept += new
        extended = (frames + 2 + self.lag) * frame
        self.live(frames * frame, extended, new)
        return extended

    def waiting(self, frames: int) -> int:
        """The joined input of a shortcut that waits for its main path."""
        if not (self.streamed and self.lag):
            return 0
        self.kept += frames * self.channels * self.area
        return (self.frames + frames) * self.channels * self.area

    def convolution(self, out: int, time: int = 1, space: int = 1) -> None:
        x, extended = self.size, self.extended(self.channels, self.frames, time)
        self.frames, self.area, self.channels = -(-self.frames // time), self.area // space, out
        self.live(x, extended, self.size)

    def residual(self, out: int) -> None:
        x = self.size + self.dropped
        self.dropped = 0
        first = self.extended(self.channels, self.frames)
        result = out * self.frames * self.area
        self.live(x, first, result)
        norm = 2 * self.frames * self.area  # one float32 for each place
        self.live(x, self.extended(out, self.frames), result, norm)
        waited = self.waiting(2)
        shortcut = 0 if out == self.channels else x + result
        self.live(x, result, waited, shortcut)
        self.channels = out

    def down(self, out: int, stride: tuple[int, int, int]) -> None:
        time, cell = stride[0], stride[0] * stride[1] * stride[2]
        x = self.size
        doubled = x + self.channels * self.area if time == 2 else 0  # the first frame once more in front
        source = doubled or x
        frames = self.frames + (time == 2)
        extended = self.extended(self.channels, frames)
        main = out // cell * frames * self.area
        held = x + doubled
        self.live(held, extended, main)
        self.live(held, main, main)
        self.live(held, main, source, main)
        self.frames, self.area, self.channels = frames // time, self.area // (cell // time), out

    def up(self, spec: BlockSpec) -> None:
        time, height, width = spec.stride
        cell = time * height * width
        x = self.size
        extended = self.extended(self.channels, self.frames)
        main = cell // spec.multiplier * x
        self.live(x, extended, main)
        self.live(x, main, main)
        if spec.residual:
            self.live(x, main, self.waiting(1), x)
        self.frames *= time
        self.area *= height * width
        self.channels //= spec.multiplier


def decoding_peak(config: VAEConfig, shape: LatentShape, *, batch: int, itemsize: int, frames: int | None) -> int:
    """Bytes at the most, for one tile, of latents of this shape.

    Args:
        config: the network.
        shape: latents.
        batch: how many.
        itemsize: bytes of a value.
        frames: latent frames at a time in a stream, whose result is not counted; None for all at once, with the result.
    """
    length = shape.frames if frames is None else min(frames, shape.frames)
    walk = _Walk(config.latent_channels, length, shape.height * shape.width, frames is not None, 1)
    walk.live(walk.size, walk.size)
    walk.convolution(config.decoder_width)
    for spec in reversed(config.decoder_blocks):
        if spec.kind == "res_x":
            for _ in range(spec.num_layers):
                walk.residual(walk.channels)
                walk.kept += 2 * walk.area * spec.inject_noise
        elif spec.kind == "res_x_y":
            walk.residual(walk.channels // spec.multiplier)
        else:
            walk.up(spec)
            if frames is None and spec.stride[0] == 2:
                walk.frames -= 1  # the first is dropped
                walk.dropped = walk.channels * walk.area
    walk.convolution(3 * config.patch_size**2)
    walk.live(walk.size, walk.size)
    return (walk.peak + walk.kept + VECTORS * config.decoder_width) * batch * itemsize


def encoding_peak(config: VAEConfig, shape: LatentShape, *, batch: int, itemsize: int, frames: int | None) -> int:
    """Bytes at the most, for one tile, of a video with latents of this shape; arguments as in `decoding_peak`."""
    time, height, width = config.compression
    patch = config.patch_size
    length = (shape.frames - 1) * time + 1 if frames is None else min(frames, shape.frames) * time
    area = shape.height * shape.width * height * width // patch**2
    walk = _Walk(3 * patch**2, length, area, frames is not None, 0)
    walk.convolution(config.encoder_base_channels)
    for spec in config.encoder_blocks:
        if spec.kind == "res_x":
            for _ in range(spec.num_layers):
                walk.residual(walk.channels)
        elif spec.kind == "res_x_y":
            walk.residual(walk.channels * spec.multiplier)
        elif spec.kind.endswith("_res"):
            walk.down(walk.channels * spec.multiplier, spec.stride)
        else:
            walk.convolution(walk.channels * spec.multiplier, spec.stride[0], spec.stride[1] * spec.stride[2])
    vectors = VECTORS * walk.channels
    walk.convolution(config.latent_channels + 1)
    return (walk.peak + walk.kept + vectors) * batch * itemsize
