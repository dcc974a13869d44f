"""The memory model by hand: what each layer of a tiny network holds, and what whole networks need."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ltx.shapes import LatentShape
from ltx.vae.config import BlockSpec, VAEConfig
from ltx.vae.memory import _Walk, decoding_peak, encoding_peak


class Told(_Walk):
    """A walk that remembers each sum of what lives at one time."""

    def live(self, *values: int) -> None:
        """Note the sum."""
        vars(self).setdefault("sums", []).append(sum(values))
        super().live(*values)


ALL = BlockSpec("compress_all", residual=True, multiplier=2)

# A layer over 4 channels, 3 frames and 16 places, streamed or not, with how far it looks ahead: what lives, what a
# stream keeps, and channels, frames and places behind it. A frame is 64 values, the whole 192.
LAYERS: list[tuple[Callable[[_Walk], None], bool, int, list[int], int, tuple[int, int, int]]] = [
    (lambda walk: walk.convolution(8, 2, 4), False, 0, [192 + 320 + 64], 0, (8, 2, 4)),
    (lambda walk: walk.convolution(16, 2, 4), True, 0, [192 + 320 + 64, 192 + 320 + 128], 64, (16, 2, 4)),
    (lambda walk: walk.convolution(16), True, 1, [192 + 384 + 128, 192 + 384 + 768], 128, (16, 3, 16)),
    (lambda walk: walk.residual(4), False, 1, [704, 800, 384], 0, (4, 3, 16)),
    (lambda walk: walk.residual(8), False, 1, [896, 192 + 640 + 384 + 96, 2 * 576], 0, (8, 3, 16)),
    (lambda walk: walk.residual(4), True, 0, [640, 704, 640, 800, 384], 256, (4, 3, 16)),
    (lambda walk: walk.residual(4), True, 1, [704, 768, 704, 864, 704], 256 + 128, (4, 3, 16)),
    (lambda walk: walk.down(32, (2, 2, 2)), False, 0, [1088, 960, 1216], 0, (32, 2, 4)),
    (lambda walk: walk.down(8, (2, 1, 1)), False, 0, [1088, 960, 1216], 0, (8, 2, 16)),
    (lambda walk: walk.down(16, (1, 2, 2)), False, 0, [704, 576, 768], 0, (16, 3, 4)),
    (lambda walk: walk.down(32, (2, 2, 2)), True, 0, [256 + 384 + 128, 1088, 960, 1216], 128, (32, 2, 4)),
    (lambda walk: walk.up(ALL), False, 1, [1280, 1728, 1152], 0, (2, 6, 64)),
    (lambda walk: walk.up(ALL), True, 1, [704, 1344, 1728, 1408], 128 + 64, (2, 6, 64)),
    (lambda walk: walk.up(BlockSpec("compress_time")), False, 1, [192 + 320 + 384, 960], 0, (4, 6, 16)),
]


@pytest.mark.parametrize(("layer", "streamed", "lag", "sums", "kept", "size"), LAYERS)
def test_every_layer_holds_what_is_counted_by_hand(
    layer: Callable[[_Walk], None], streamed: bool, lag: int, sums: list[int], kept: int, size: tuple[int, int, int]
) -> None:
    """Input, input with margins, output, the copies of a stream and what waits: as many values as there are."""
    walk = Told(4, 3, 16, streamed, lag)
    layer(walk)
    assert vars(walk)["sums"] == sums and walk.peak == max(sums) and walk.kept == kept
    assert (walk.channels, walk.frames, walk.area) == size


def test_a_dropped_frame_lives_until_the_next_block() -> None:
    """It is counted with the input of one block and no longer."""
    walk = Told(4, 3, 16, False, 1, dropped=5)
    walk.residual(8)
    walk.residual(8)
    assert vars(walk)["sums"] == [901, 1317, 197 + 384 + 197 + 384, 384 + 640 + 384, 384 + 640 + 384 + 96, 768]


SHAPE = LatentShape(3, 2, 5)


def config(*, encoder: tuple[BlockSpec, ...] = (), decoder: tuple[BlockSpec, ...] = (), patch: int = 1) -> VAEConfig:
    return VAEConfig(encoder, decoder, 4, 4, 2, patch)


def res(multiplier: int = 1, kind: str = "res_x", noise: bool = False, layers: int = 1) -> BlockSpec:
    return BlockSpec(kind, layers, noise, multiplier=multiplier)


@pytest.mark.parametrize(
    ("network", "frames", "values"),
    [
        (config(patch=2), None, 720 + 256),
        (config(patch=2), 2, 520 + 120 + 256),
        (config(patch=2), 9, 720 + 120 + 256),
        (config(decoder=(res(), BlockSpec("compress_all"))), None, 3280 + 256),
        (config(decoder=(res(), BlockSpec("compress_all"))), 3, 3840 + 1400 + 256),
        (config(decoder=(res(), BlockSpec("compress_space"))), None, 2000 + 256),
        (config(decoder=(res(2, "res_x_y"),)), None, 760 + 512),
        (config(decoder=(res(noise=True, layers=2),)), None, 500 + 2 * 20 + 256),
    ],
)
def test_decoding_takes_what_is_counted_by_hand(network: VAEConfig, frames: int | None, values: int) -> None:
    """3×2×5 latents of 2 channels, two at a time, in values of 4 bytes: the peak, what is kept, and the allowance."""
    assert decoding_peak(network, SHAPE, batch=2, itemsize=4, frames=frames) == 8 * values


@pytest.mark.parametrize(
    ("network", "frames", "values"),
    [
        (config(encoder=(BlockSpec("compress_all", multiplier=2),)), None, 2240 + 512),
        (config(encoder=(BlockSpec("compress_all", multiplier=2),), patch=2), None, 6560 + 512),
        (config(encoder=(BlockSpec("compress_all", multiplier=2),), patch=2), 2, 5760 + 1280 + 512),
        (
            config(encoder=(res(), res(3, "res_x_y"), BlockSpec("compress_space_res", multiplier=4))),
            None,
            5760 + 3072,
        ),
    ],
)
def test_encoding_takes_what_is_counted_by_hand(network: VAEConfig, frames: int | None, values: int) -> None:
    """The same of the way in, whose frames and places are more by the network's own compression."""
    assert encoding_peak(network, SHAPE, batch=2, itemsize=4, frames=frames) == 8 * values
