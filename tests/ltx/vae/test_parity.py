"""The VAE against diffusers' independent implementation, weights through the production key table."""

import pytest
import torch
from diffusers import AutoencoderKLLTXVideo

from ltx.checkpoint.keys import vae_renaming
from ltx.checkpoint.vae_fields import official
from ltx.vae import VAEConfig, VideoVAE

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
FIELDS = {
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


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", FIELDS)
def test_moments_and_decode_equal_diffusers(name, batch):
    """Moments and video agree to 1e-5, with another timestep for each sample and noise under one global seed."""
    torch.manual_seed(0)
    fields = {"latent_channels": 8, **FIELDS[name]}
    theirs = AutoencoderKLLTXVideo(**fields).eval()
    for key, parameter in theirs.named_parameters():
        if "per_channel_scale" in key:
            parameter.data.normal_()
    ours = VideoVAE(VAEConfig.from_dict(official(fields))).eval()
    state = theirs.state_dict()
    names = vae_renaming(ours.config).to_official(state)
    ours.load_state_dict({names[key]: value for key, value in state.items()})
    video, level = torch.rand(batch, 3, 9, 64, 96) * 2 - 1, torch.linspace(0.05, 0.4, batch)
    with torch.no_grad():
        posterior = theirs.encode(video).latent_dist
        moments = ours.moments(video)
        torch.testing.assert_close(moments.mean, posterior.mean, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(
            moments.log_variance.expand_as(posterior.logvar), posterior.logvar, rtol=1e-5, atol=1e-5
        )
        latents = torch.randn(batch, 8, 2, 2, 3)
        torch.manual_seed(1)
        expected = theirs.decode(latents, level if ours.config.timestep_conditioning else None).sample
        torch.manual_seed(1)
        torch.testing.assert_close(ours.decoder(latents, level), expected, rtol=1e-5, atol=1e-5)
