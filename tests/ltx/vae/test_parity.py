"""The VAE against diffusers' independent implementation, weights through the production key table."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ltx.vae.convolution import CausalConv3d

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
SIZES = [(1, 9, 64, 96), (3, 1, 32, 160), (3, 9, 96, 32), (1, 17, 32, 32)]
CASES = [*((size, False) for size in SIZES), (SIZES[0], True)]


@pytest.mark.parametrize(("size", "recorded"), CASES, ids=str)
@pytest.mark.parametrize("name", ["V90", "V90y", "V91", "V95"])
def test_moments_and_decode_equal_diffusers(pair: Any, name: str, size: Any, recorded: Any) -> None:
    """Moments and video agree to 1e-5 where gradients are recorded and where not, with a timestep for each sample and
    noise under one global seed."""
    theirs, ours = pair(name)
    batch, frames, height, width = size
    video, level = torch.rand(batch, 3, frames, height, width) * 2 - 1, torch.linspace(0.05, 0.4, batch)
    latents = torch.randn(batch, 8, (frames - 1) // 8 + 1, height // 32, width // 32)
    with torch.no_grad():
        posterior = theirs.encode(video).latent_dist
        torch.manual_seed(1)
        expected = theirs.decode(latents, level if ours.config.timestep_conditioning else None).sample
    with torch.set_grad_enabled(recorded):
        moments = ours.moments(video)
        torch.manual_seed(1)
        decoded = ours.decoder(latents, level)
    torch.testing.assert_close(moments.mean, posterior.mean, **CLOSE)
    torch.testing.assert_close(moments.log_variance.expand_as(posterior.logvar), posterior.logvar, **CLOSE)
    torch.testing.assert_close(decoded, expected, **CLOSE)


@pytest.mark.parametrize("name", ["V90y", "V91", "V95"])
def test_every_convolution_reads_and_writes_channels_last(ours: Any, name: str) -> None:
    """From the first convolution to the last no tensor falls back to the other layout, with and without gradients."""
    vae, wrong, seen = ours(name), [], 0

    def check(module, inputs, output):
        nonlocal seen
        seen += 1
        for tensor in (inputs[0], output):
            if not tensor.is_contiguous(memory_format=torch.channels_last_3d):
                wrong.append((module, tensor.shape, tensor.stride()))

    convolutions = [module.conv for module in vae.modules() if isinstance(module, CausalConv3d)]
    hooks = [module.register_forward_hook(check) for module in convolutions]
    try:
        for recorded in (False, True):
            with torch.set_grad_enabled(recorded):
                vae.decode(vae.encode(torch.zeros(2, 3, 9, 32, 64)))
    finally:
        for hook in hooks:
            hook.remove()
    assert seen == 2 * len(convolutions) and not wrong
