"""How far values depend on others, by the block lists: of the releases, and of a network small enough to count."""

from __future__ import annotations

from typing import Any

import pytest

from ltx.vae.config import VAEConfig
from ltx.vae.reach import Reach, decoder_reach, encoder_reach
from ltx.vae.release import VAE_FIELDS


@pytest.mark.parametrize(
    ("encoder", "decoder", "out", "back"),
    [
        # conv_in and conv_out alone: one latent to either side on the way out, two convolutions of 2 frames back.
        ([], [], Reach(2, 2, 2), Reach(4, 0, 2)),
        # A block of two layers is four convolutions more.
        ([["res_x", 2]], [["res_x", 2]], Reach(6, 6, 6), Reach(12, 0, 6)),
        ([["res_x_y", 1]], [["res_x_y", 1]], Reach(4, 4, 4), Reach(8, 0, 4)),
    ],
)
def test_convolutions_reach_one_further_each(encoder: list[Any], decoder: list[Any], out: Reach, back: Reach) -> None:
    """In patches of one pixel, where nothing is compressed."""
    config = VAEConfig.from_dict({"encoder_blocks": encoder, "decoder_blocks": decoder, "patch_size": 1})
    assert (decoder_reach(config), encoder_reach(config)) == (out, back)


RELEASED = {
    "0.9.0": (Reach(24, 24, 24), Reach(46, 0, 23)),
    "0.9.1": (Reach(31, 31, 31), Reach(46, 0, 23)),
    "0.9.5": (Reach(22, 22, 22), Reach(28, 0, 16)),
}


@pytest.mark.parametrize("release", RELEASED)
def test_reach_of_the_releases(release: str) -> None:
    """What margins of tiles and the delay of streams are made of."""
    config = VAEConfig.from_dict(VAE_FIELDS[release])
    assert (decoder_reach(config), encoder_reach(config)) == RELEASED[release]
