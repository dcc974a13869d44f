"""Tiny VAEs of each generation: diffusers' class and ours with the same random weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLLTXVideo

from ltx.vae import VAEConfig, VideoVAE
from ltx.vae.diffusers_fields import official
from ltx.vae.keys import vae_renaming

OLD = {"layers_per_block": (1,) * 5, "decoder_layers_per_block": (1,) * 5}
UP = {
    "decoder_block_out_channels": (16, 32, 64),
    "layers_per_block": (1,) * 5,
    "decoder_layers_per_block": (1,) * 4,
    "decoder_spatio_temporal_scaling": (True,) * 3,
    "upsample_residual": (True,) * 3,
    "upsample_factor": (2,) * 3,
    "timestep_conditioning": True,
}
FIELDS: dict[str, dict[str, Any]] = {
    "V90": {"block_out_channels": (8,) * 4, "decoder_block_out_channels": (8,) * 4, **OLD},
    "V90y": {"block_out_channels": (8, 16, 32, 32), "decoder_block_out_channels": (8, 16, 32, 32), **OLD},
    "V91": {"block_out_channels": (8, 16, 32, 32), "decoder_inject_noise": (True, True, True, False), **UP},
    "V95": {
        "block_out_channels": (8, 16, 32, 64, 128),
        "down_block_types": ("LTXVideo095DownBlock3D",) * 4,
        "spatio_temporal_scaling": (True,) * 4,
        "downsample_type": ("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
        "decoder_inject_noise": (False,) * 4,
        "spatial_compression_ratio": 32,
        "temporal_compression_ratio": 8,
        **UP,
    },
}
Pair = tuple[AutoencoderKLLTXVideo, VideoVAE]


@pytest.fixture(scope="session")
def pair() -> Callable[[str], Pair]:
    """A maker of (theirs, ours), by the name of a generation; made once, so not to be changed."""
    made: dict[str, Pair] = {}

    def make(name: str) -> Pair:
        if name not in made:
            torch.manual_seed(0)
            fields = {"latent_channels": 8, **FIELDS[name]}
            theirs = AutoencoderKLLTXVideo(**fields).eval().requires_grad_(False)
            for key, parameter in theirs.named_parameters():
                if "per_channel_scale" in key:
                    parameter.data.normal_()
            ours = VideoVAE(VAEConfig.from_dict(official(fields))).eval().requires_grad_(False)
            state = theirs.state_dict()
            names = vae_renaming(ours.config).to_official(state)
            ours.load_state_dict({names[key]: value for key, value in state.items()})
            made[name] = theirs, ours
        return made[name]

    return make


@pytest.fixture(scope="session")
def fields() -> dict[str, dict[str, Any]]:
    """The generations' fields in diffusers' vocabulary."""
    return FIELDS


@pytest.fixture
def ours(pair: Callable[[str], Pair]) -> Callable[[str], VideoVAE]:
    """Our VAE alone, by the name of a generation."""
    return lambda name: pair(name)[1]
