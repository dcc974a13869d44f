"""Decoding of any size within a given memory: which tiles, chosen by the memory model.

Exact ways come first, and of those the ones with the least work: all at once; streamed through the frames, in pieces as
long as fit; tiles with the network's reach as margin, streamed too. Only if none fits are tiles without margin faded
into one another, the largest that fit, which is an approximation: `Plan.exact` says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from ltx.shapes import LatentShape
from ltx.vae.config import VAEConfig
from ltx.vae.memory import decoding_peak
from ltx.vae.model import VideoVAE
from ltx.vae.reach import decoder_reach
from ltx.vae.temporal import AbstractTemporal, AtOnce, Streamed
from ltx.vae.tiling import FADED, TiledVAE, Tiling

SMALLEST = 4
"""Rows and columns of the smallest faded tile, 128 pixels: below, there is little picture between two fades."""

Peak = Callable[[LatentShape, int | None], int]


@dataclass(frozen=True)
class Plan:
    """A way to decode one size.

    Attributes:
        tiling: how the picture is cut; one tile may be all of it.
        temporal: how each tile goes through its frames.
        peak: bytes at the most by `ltx.vae.memory`, result included.
        exact: whether the result is that of doing it at once, to rounding.
    """

    tiling: Tiling
    temporal: AbstractTemporal
    peak: int
    exact: bool


def plan_decoding(config: VAEConfig, shape: LatentShape, *, batch: int, itemsize: int, budget: int) -> Plan:
    """The first plan whose peak is within `budget` bytes.

    Raises:
        ValueError: if none is.
    """

    def peak(tile: LatentShape, frames: int | None) -> int:
        return decoding_peak(config, tile, batch=batch, itemsize=itemsize, frames=frames)

    video = shape.video
    result = 3 * video.frames * video.height * video.width * batch * itemsize
    return _first(_plans(shape, peak, result, decoder_reach(config).picture), budget, shape)


def smallest_decoding(config: VAEConfig, shape: LatentShape, *, batch: int, itemsize: int) -> int:
    """Bytes that decoding exactly and in whole pictures takes at the least: one latent frame at a time."""
    video = shape.video
    result = 3 * video.frames * video.height * video.width * batch * itemsize
    streamed = result + decoding_peak(config, shape, batch=batch, itemsize=itemsize, frames=1)
    return min(streamed, decoding_peak(config, shape, batch=batch, itemsize=itemsize, frames=None))


def fitting(vae: VideoVAE, latents: Float[Tensor, "b c f h w"], budget: int) -> VideoVAE | TiledVAE:
    """The VAE as it is where it decodes latents within a budget, else in pieces that do; a warning if it only nearly
    equals doing it at once.

    Raises:
        ValueError: if no plan is within the budget.
    """
    shape, itemsize = LatentShape.of(latents), latents.element_size()
    budget -= 2 * latents.numel() * itemsize
    if decoding_peak(vae.config, shape, batch=len(latents), itemsize=itemsize, frames=None) <= budget:
        return vae
    plan = plan_decoding(vae.config, shape, batch=len(latents), itemsize=itemsize, budget=budget)
    if not plan.exact:
        warnings.warn(
            "the video is decoded in tiles that are faded into one another, because whole pictures do not fit into "
            "memory; smaller ones come out as they are",
            stacklevel=3,
        )
    return TiledVAE(vae, plan.tiling, plan.temporal)


def _plans(shape: LatentShape, peak: Peak, result: int, reach: int) -> Iterator[Plan]:
    longest = max(shape.height, shape.width)
    whole = Tiling(longest, 0)
    yield Plan(whole, AtOnce(), peak(shape, None), exact=True)
    frames = shape.frames // 2
    while frames:
        yield Plan(whole, Streamed(frames), result + peak(shape, frames), exact=True)
        frames //= 2
    for size in range(longest - 2 * reach, 0, -1):
        yield _tiled(Tiling(size, reach), shape, peak, result, exact=True)
    for size in range(longest - 1, SMALLEST - 1, -1):
        yield _tiled(Tiling(size - FADED.fade, 0, FADED.fade), shape, peak, result, exact=False)


def _tiled(tiling: Tiling, shape: LatentShape, peak: Peak, result: int, *, exact: bool) -> Plan:
    """Alive at most: the result, the largest tile's own with the strips that others fade from, and the tile's peak."""
    rows, columns = (max(s.read_stop - s.read_start for s in tiling.spans(n)) for n in (shape.height, shape.width))
    tile = LatentShape(shape.frames, rows, columns)
    share = rows * columns + tiling.fade * (shape.width + rows)
    own = -(-result * share // (shape.height * shape.width))
    # A stream takes steps of eight frames, more than a clip of one frame has.
    streamed, at_once = peak(tile, 1), peak(tile, None)
    temporal = Streamed(1) if streamed < at_once else AtOnce()
    return Plan(tiling, temporal, result + own + min(streamed, at_once), exact)


def _first(plans: Iterator[Plan], budget: int, shape: LatentShape) -> Plan:
    smallest: int | None = None
    for plan in plans:
        if plan.peak <= budget:
            return plan
        smallest = plan.peak if smallest is None else min(smallest, plan.peak)
    raise ValueError(
        f"expected a budget of at least {smallest} bytes to decode latents of {shape.frames}×{shape.height}×"
        f"{shape.width}, got {budget}; a smaller batch needs less, and ltx.vae.decode_in_pieces holds no whole video"
    )
