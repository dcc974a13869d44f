"""Time of encoding and decoding a clip against diffusers' VAE."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from experiments.benchmarks.arguments import Arguments, parsed
from experiments.benchmarks.paired import Comparison, compare, report
from experiments.benchmarks.twins import vae_twins
from ltx.shapes import VideoShape

Call = Callable[[], Tensor]
LEVEL = 0.05
"""Noise level of decoding, as released."""


def cases(arguments: Arguments) -> list[Comparison]:
    """Encoder and decoder of both kinds of release."""
    return [
        compare(
            f"{str(dtype).removeprefix('torch.')}, {generation} {name}",
            ours=ours,
            theirs=theirs,
            device=arguments.device,
            rounds=arguments.rounds,
        )
        for dtype in arguments.dtypes
        for generation in ("0.9.1", "0.9.5")
        for name, ours, theirs in calls(generation, dtype, arguments)
    ]


def calls(generation: str, dtype: torch.dtype, arguments: Arguments) -> Iterator[tuple[str, Call, Call]]:
    """Name, our call and diffusers' call."""
    ours, theirs = vae_twins(generation, arguments.size, dtype=dtype, device=arguments.device)
    shape = VideoShape(arguments.frames, arguments.height, arguments.width)
    latent = shape.latent
    with arguments.device:
        video = torch.rand(arguments.batch, 3, shape.frames, shape.height, shape.width, dtype=dtype) * 2 - 1
        latents = torch.randn(arguments.batch, 128, latent.frames, latent.height, latent.width, dtype=dtype)
        level = torch.full((arguments.batch,), LEVEL, dtype=dtype)
    yield "encode", lambda: ours.moments(video).mean, lambda: theirs.encode(video).latent_dist.mean
    yield "decode", lambda: ours.decoder(latents, level), lambda: theirs.decode(latents, level).sample


if __name__ == "__main__":
    arguments = parsed(__doc__)
    torch.set_grad_enabled(False)
    title = f"VAE {arguments.described}"
    report(title, cases(arguments), arguments.device, arguments.folder / "vae.json")
