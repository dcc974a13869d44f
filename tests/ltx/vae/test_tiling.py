"""Tiles and ways through time against doing it at once, and against diffusers' tiles."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ltx.vae.config import VAEConfig
from ltx.vae.model import VideoVAE
from ltx.vae.reach import decoder_reach, encoder_reach
from ltx.vae.temporal import AtOnce, Streamed
from ltx.vae.tiling import TiledVAE, Tiling

UP = ["compress_all", {"residual": True, "multiplier": 2}]
WHOLE = Tiling(100, 0)
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture(scope="module")
def vae() -> VideoVAE:
    """A narrow VAE with timestep conditioning and random weights, in double precision."""
    config = VAEConfig.from_dict(
        {
            "encoder_blocks": [
                ["compress_space_res", 1],
                ["compress_all", 1],
                ["compress_all", 1],
                ["compress_time", 1],
            ],
            "decoder_blocks": [["res_x", 1], UP, UP, UP, ["res_x", {"num_layers": 1, "inject_noise": True}]],
            "encoder_base_channels": 4,
            "decoder_base_channels": 4,
            "latent_channels": 4,
            "timestep_conditioning": True,
        }
    )
    torch.manual_seed(0)
    model = VideoVAE(config).double().eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        if "per_channel_scale" in name:
            parameter.normal_()
    return model


@pytest.mark.parametrize(("size", "fade", "temporal"), [(6, 0, AtOnce()), (6, 3, Streamed(1)), (5, 5, Streamed(2))])
def test_tiles_with_the_reach_as_margin_decode_exactly(vae: Any, size: int, fade: int, temporal: Any) -> None:
    """With a margin of the decoder's reach, tiles of any size and fade, at once or streamed, are as decode."""
    margin = decoder_reach(vae.config).picture
    latents = torch.randn(1, 4, 2, margin + 3, margin + 7, dtype=torch.float64)
    with torch.no_grad():
        torch.manual_seed(5)
        whole = vae.decode(latents, 0.05, 0.025, torch.Generator().manual_seed(1))
        torch.manual_seed(5)
        tiled = TiledVAE(vae, Tiling(size, margin, fade), temporal)
        video = tiled.decode(latents, 0.05, 0.025, torch.Generator().manual_seed(1))
    torch.testing.assert_close(video, whole, rtol=0, atol=1e-8)


@pytest.mark.parametrize(("size", "fade", "temporal"), [(1, 0, AtOnce()), (2, 1, Streamed(1)), (3, 3, Streamed(2))])
def test_tiles_with_the_reach_as_margin_encode_exactly(vae: Any, size: int, fade: int, temporal: Any) -> None:
    """The same of the encoder, with its own reach; means and log-variances."""
    margin = encoder_reach(vae.config).picture
    video = torch.rand(2, 3, 17, 32 * (margin + 2), 32 * (margin + 4), dtype=torch.float64)
    with torch.no_grad():
        tiled = TiledVAE(vae, Tiling(size, margin, fade), temporal)
        for part, whole in zip(tiled.moments(video), vae.moments(video), strict=True):
            torch.testing.assert_close(part, whole, rtol=0, atol=1e-8)


def test_without_margin_tiles_differ(vae: Any) -> None:
    """The margin is needed: without it the seams show, so the exactness above is not that of a local network."""
    latents = torch.randn(1, 4, 1, 4, 6, dtype=torch.float64)
    with torch.no_grad():
        difference = TiledVAE(vae, Tiling(2, 0), AtOnce()).decode(latents) - vae.decode(latents)
    assert difference.abs().max() > 1e-4


@pytest.mark.parametrize("arguments", [(0, 1, 0), (2, -1, 0), (2, 1, 3)])
def test_impossible_tilings_are_refused(arguments: Any) -> None:
    """No size, a negative margin, or a fade longer than a tile is an error, and so is a stream of no frames."""
    with pytest.raises(ValueError, match="fade"):
        Tiling(*arguments)
    with pytest.raises(ValueError, match="at least one"):
        Streamed(0)


@pytest.mark.parametrize(("batch", "rows", "columns"), [(1, 5, 7), (3, 3, 4)])
@pytest.mark.parametrize("name", ["V90", "V95"])
def test_faded_tiles_equal_those_of_diffusers(pair: Any, name: str, batch: int, rows: int, columns: int) -> None:
    """Without a margin, tiles of 3 latents every 2 give diffusers' tiled encode and decode, corners included."""
    theirs, ours = pair(name)
    video, latents = torch.rand(batch, 3, 1, 32 * rows, 32 * columns) * 2 - 1, torch.randn(batch, 8, 1, rows, columns)
    level = torch.linspace(0.1, 0.3, batch)
    tiled = TiledVAE(ours, Tiling(size=2, margin=0, fade=1), Streamed(1))
    theirs.enable_tiling(96, 96, None, 64, 64)
    try:
        with torch.no_grad():
            posterior = theirs.encode(video).latent_dist
            expected = theirs.decode(latents, level if ours.config.timestep_conditioning else None).sample
    finally:
        theirs.use_tiling = False
    with torch.no_grad():
        moments, decoded = tiled.moments(video), tiled.decode(latents, level, noise_scale=0.0)
    torch.testing.assert_close(moments.mean, posterior.mean, **CLOSE)
    torch.testing.assert_close(moments.log_variance[:, 0], posterior.logvar[:, 0], **CLOSE)
    torch.testing.assert_close(decoded, expected, **CLOSE)
