"""AdaIN, tone mapping and sizes between passes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKLLTXVideo, LTXLatentUpsamplePipeline
from diffusers.pipelines.ltx.modeling_latent_upsampler import LTXLatentUpsamplerModel

from ltx.checkpoint.cards import cards
from ltx.pipeline import adain, find_preset, low_size, presets, tone_map, upsample
from ltx.shapes import VideoShape
from ltx.upsampler import LatentUpsampler, UpsamplerConfig
from ltx.vae import VideoVAE


def test_tone_map_values() -> None:
    """Compression .6 and 1 give the values of the published formula."""
    got = tone_map(torch.tensor([0.5, 1.0, 2.0, 3.0]), 0.6)
    torch.testing.assert_close(got, torch.tensor([0.447971, 0.82, 1.382133, 1.948725]), atol=1e-6, rtol=0)
    got = tone_map(torch.tensor([1.0, 3.0]), 1.0)
    torch.testing.assert_close(got, torch.tensor([0.7, 1.204451]), atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match="compression"):
        tone_map(torch.ones(1), 2.0)


def test_adain_takes_the_statistics() -> None:
    """At factor 1 each channel has the reference's mean and deviation; at 0 nothing changes."""
    z, reference = torch.randn(2, 4, 3, 4, 4), torch.randn(2, 4, 3, 2, 2) * 3 + 1
    got = adain(z, reference)
    torch.testing.assert_close(got.mean((2, 3, 4)), reference.mean((2, 3, 4)))
    torch.testing.assert_close(got.std((2, 3, 4)), reference.std((2, 3, 4)))
    assert torch.equal(adain(z, reference, 0.0), z)


@pytest.mark.parametrize(("spatial", "temporal", "size"), [(1, 0, (3, 4, 6)), (0, 1, (5, 2, 3)), (1, 1, (5, 4, 6))])
def test_upsampling_is_that_of_diffusers(spatial: int, temporal: int, size: tuple[int, ...], folder: Path) -> None:
    """In space, time and both: diffusers' upsampling pipeline with full AdaIN gives the same normalised latents."""
    torch.manual_seed(2)
    sizes = {"in_channels": 8, "mid_channels": 32, "num_blocks_per_stage": 1, "dims": 3}
    config = UpsamplerConfig.from_dict(
        {**sizes, "spatial_upsample": bool(spatial), "temporal_upsample": bool(temporal)}
    )
    ours = LatentUpsampler(config).eval()
    theirs = LTXLatentUpsamplerModel(**config.to_dict()).eval()
    theirs.load_state_dict(ours.state_dict())
    latents = torch.randn(2, 8, 3, 2, 3)
    vae = AutoencoderKLLTXVideo.from_pretrained(folder / "vae")
    mean, std = vae.latents_mean.view(1, -1, 1, 1, 1), vae.latents_std.view(1, -1, 1, 1, 1)
    between = LTXLatentUpsamplePipeline(vae=vae, latent_upsampler=theirs)
    with torch.no_grad():
        got = upsample(latents, vae=VideoVAE.from_pretrained(folder), upsampler=ours)
        raw = latents * std + mean
        large = (between.adain_filter_latent(theirs(raw), raw) - mean) / std
    assert got.shape[2:] == size
    assert (got - large).abs().max() <= 1e-5


def test_low_size() -> None:
    """1216×704 is first made at 800×448; what is too small is refused."""
    assert low_size(VideoShape(9, 704, 1216)) == VideoShape(9, 448, 800)
    with pytest.raises(ValueError, match="multi-scale"):
        low_size(VideoShape(9, 32, 64))
    with pytest.raises(ValueError, match="more for a single frame"):
        low_size(VideoShape(1, 64, 64))
    assert low_size(VideoShape(1, 64, 128)) == VideoShape(1, 32, 64)


def test_presets_are_complete() -> None:
    """Every released transformer has a preset, every preset but "plain" a card, every upsampler one."""
    other = ("lora", "upscaler")
    assert {name for name in cards() if not any(each in name for each in other)} | {"plain", "distilled"} == set(
        presets()
    )
    assert all(p.refinement is None or p.refinement.upsampler in cards() for p in presets().values())
    dev = find_preset("ltxv-13b-0.9.8-dev").first.guidance
    assert [dev.index(t) for t in (1, 0.996667, 0.995, 0.985, 0.978333, 0.932, 0.446)] == list(range(7))
    with pytest.raises(ValueError, match="plain"):
        find_preset("nothing")
