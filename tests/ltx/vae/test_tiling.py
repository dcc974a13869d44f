"""Tiled decoding against decoding at once."""

from __future__ import annotations

import pytest
import torch

from ltx.vae.config import VAEConfig
from ltx.vae.model import VideoVAE
from ltx.vae.reach import decoder_reach
from ltx.vae.tiling import TiledVAE, Tiling

UP = ["compress_all", {"residual": True, "multiplier": 2}]


@pytest.fixture
def vae() -> VideoVAE:
    """A narrow VAE with timestep conditioning and random weights, in double precision."""
    config = VAEConfig.from_dict(
        {
            "encoder_blocks": [["compress_all", 1]] * 3,
            "decoder_blocks": [["res_x", 1], UP, UP, UP, ["res_x", 1]],
            "encoder_base_channels": 4,
            "decoder_base_channels": 4,
            "latent_channels": 4,
            "timestep_conditioning": True,
        }
    )
    torch.manual_seed(0)
    return VideoVAE(config).double().eval().requires_grad_(False)


@pytest.mark.parametrize(("size", "fade"), [(6, 0), (6, 3), (5, 5)])
def test_tiles_with_the_reach_as_margin_are_exact(vae: VideoVAE, size: int, fade: int) -> None:
    """With a margin of the decoder's reach, tiles of any size and fade give the frames of `decode`."""
    margin = decoder_reach(vae.config).picture
    latents = torch.randn(1, 4, 2, 2 * margin + 2, 2 * margin + 5, dtype=torch.float64)
    whole = vae.decode(latents, 0.05, 0.025, torch.Generator().manual_seed(1))
    tiled = TiledVAE(vae, Tiling(size, margin, fade))
    video = tiled.decode(latents, 0.05, 0.025, torch.Generator().manual_seed(1))
    torch.testing.assert_close(video, whole, rtol=0, atol=1e-5)


def test_without_margin_tiles_differ(vae: VideoVAE) -> None:
    """The margin is needed: without it the seams show, so the exactness above is not that of a local decoder."""
    latents = torch.randn(1, 4, 1, 4, 6, dtype=torch.float64)
    difference = TiledVAE(vae, Tiling(2, 0)).decode(latents) - vae.decode(latents)
    assert difference.abs().max() > 1e-4


@pytest.mark.parametrize("arguments", [(0, 1, 0), (2, -1, 0), (2, 1, 3)])
def test_impossible_tilings_are_refused(arguments: tuple[int, int, int]) -> None:
    """No size, a negative margin, or a fade longer than a tile is an error."""
    with pytest.raises(ValueError, match="fade"):
        Tiling(*arguments)
