"""The VAE of the second edition from that of the first: wider where pixels are drawn, leaner where latents are read.

    python -m experiments.tiny.grow_vae runs/tiny-parts/vae runs/tiny-parts/second/grown

Every tensor is taken over as far as both have room for it. Only the decoder's first blocks, which work on a handful of
places and hold a third of its weights, become narrower; they are fitted here to give the next block what those of the
first edition gave it, before anything is drawn. Everything is then trained further by `tiny/second/vae`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from foresight.physics import Looks, PhysicsConfig, make_clip
from ltx.vae import VideoVAE
from ltx.vae.clip import NoiseField, WholeClip
from ltx.vae.config import BlockSpec
from ltx.vae.residual import steps

WIDTH = 64
"""Of the decoder, at all of its four resolutions."""
LAYERS = (1, 1, 1, 1)
"""Residual blocks of the decoder at each resolution, pixels first."""
CLIPS, STEPS, BATCH = 600, 3000, 8
WORLDS = (
    PhysicsConfig(),
    PhysicsConfig(radius=(2.0, 9.0), gravity=(10.0, 40.0), looks=Looks()),
)


def grown(first: VideoVAE) -> VideoVAE:
    """The second edition's network with what fits of the first one's weights; additions start without effect."""
    blocks: list[BlockSpec] = []
    for resolution, layers in enumerate(LAYERS):
        blocks.append(BlockSpec("res_x", num_layers=layers))
        if resolution < len(LAYERS) - 1:
            blocks.append(BlockSpec("compress_all", residual=True))
    vae = VideoVAE(replace(first.config, decoder_blocks=tuple(blocks), decoder_base_channels=WIDTH))
    old = first.state_dict()
    with torch.no_grad():
        for name, tensor in vae.state_dict().items():
            if name in old and old[name].shape == tensor.shape:
                tensor.copy_(old[name])
            elif name in old:
                _fill(name, tensor, old[name])
            elif "conv2" in name:
                tensor.zero_()
    return vae


def _fill(name: str, tensor: Tensor, old: Tensor) -> None:
    """The common block from the old tensor; what new channels give to old ones is small at first."""
    if "time_embedder" in name and "linear_2" in name:
        # Rows are vectors of every channel, one after the other.
        vectors = 2 if "last" in name else 4
        _fill("", tensor.unflatten(0, (vectors, -1)).transpose(0, 1), old.unflatten(0, (vectors, -1)).transpose(0, 1))
        return
    common = tuple(slice(min(sizes)) for sizes in zip(tensor.shape, old.shape, strict=True))
    tensor.mul_(0.1)
    tensor[common] = old[common]


def head(vae: VideoVAE, latents: Tensor, levels: Tensor) -> Tensor:
    """Output of the decoder up to its second resolution."""
    decoder, clip = vae.decoder, WholeClip(NoiseField())
    scaled = levels * decoder.timestep_scale_multiplier
    x: Tensor = decoder.conv_in(latents.contiguous(memory_format=torch.channels_last_3d), clip)
    for step in steps(decoder.up_blocks[:2], scaled, latents.dtype):
        x = step(x, clip)
    return x


def fit_head(first: VideoVAE, second: VideoVAE, latents: Tensor) -> float:
    """Train the second one's head to give what the first one's gives; the last error in shares of its variance."""
    blocks: Sequence[nn.Module] = (second.decoder.conv_in, *second.decoder.up_blocks[:2])
    parameters = [p for block in blocks for p in block.parameters()]
    optimizer = torch.optim.AdamW(parameters, 2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, STEPS, pct_start=0.05)
    generator, statistics, share = torch.Generator().manual_seed(0), first.per_channel_statistics, 0.0
    for step in range(STEPS):
        rows = torch.randint(len(latents), (BATCH,), generator=generator)
        levels = 0.2 * torch.rand(BATCH, generator=generator)
        noise = torch.randn(latents[rows].shape, generator=generator)
        noisy = statistics.denormalize(torch.lerp(latents[rows], noise, (levels / 2).view(-1, 1, 1, 1, 1)))
        with torch.no_grad():
            wanted = head(first, noisy, levels)
        error = (head(second, noisy, levels) - wanted).square().mean() / wanted.var()
        error.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        share = 0.98 * share + 0.02 * float(error.detach())
        if step % 500 == 0:
            print(step, f"{float(error.detach()):.4f}", flush=True)
    return share


@torch.no_grad()
def latents_of(vae: VideoVAE) -> Tensor:
    """Normalised latents of training clips of both worlds."""
    found = []
    for world in WORLDS:
        for start in range(0, CLIPS, 8):
            video = torch.stack([make_clip(9_000_000 + start + seed, world).tensor for seed in range(8)])
            found.append(vae.per_channel_statistics.normalize(vae.moments(video).mean))
    return torch.cat(found)


def main(arguments: Sequence[str]) -> None:
    """Grow, fit, write."""
    source, target = map(Path, arguments)
    torch.manual_seed(0)
    first = VideoVAE.from_pretrained(source, dtype=torch.float32).eval()
    second = grown(first)
    left = fit_head(first, second, latents_of(first))
    print(f"{sum(p.numel() for p in second.parameters()):,} parameters; the head's error is {left:.3f} of the variance")
    second.to(torch.bfloat16).save_pretrained(target)


if __name__ == "__main__":
    main(sys.argv[1:])
