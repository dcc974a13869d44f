"""How well a VAE draws the simulated worlds again: error, sharpness, bodies that vanish, and a picture to look at.

    python -m experiments.tiny.vae_quality runs/tiny-parts/second/vae --clips 64 --sheet runs/vae.png

Clips are of the validation split, of the world that the first edition was trained in and of the wide one. Sharpness is
the gradient energy of the reconstruction divided by that of the clip; a noisy camera's clips are left out of it, since
noise is energy too. The picture shows clips above their reconstructions, three frames of each.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from foresight.cli.compose import instantiate_plain, resolve
from foresight.evaluation.tables import markdown
from foresight.metrics.picture import gradient_energy, mse
from foresight.metrics.statistics import Estimate, mean
from foresight.physics import PhysicsClip, PhysicsConfig, SimulatedSplit
from foresight.physics.tracking import position_error, track
from ltx import VideoVAE

LEVEL = 0.05
"""That the decoder is told, as when a prediction is decoded."""
BATCH = 8
SHOWN, EVERY, LARGER = 12, 8, 2
"""Clips in the picture, every which frame, and how many times as large."""


def wide() -> PhysicsConfig:
    """The wide world as the recipes have it."""
    config = instantiate_plain(resolve("train", ["experiment=tiny/second/vae"])["data"]["validation"]["config"])
    assert isinstance(config, PhysicsConfig)
    return config


@torch.no_grad()
def reconstructed(vae: VideoVAE, clips: Sequence[PhysicsClip]) -> list[torch.Tensor]:
    """Clips after encoding and decoding, without noise, in [−1, 1]."""
    found: list[torch.Tensor] = []
    for start in range(0, len(clips), BATCH):
        video = torch.stack([clip.tensor for clip in clips[start : start + BATCH]])
        latents = vae.per_channel_statistics.normalize(vae.moments(video).mean)
        found += vae.decode(latents, timestep=LEVEL, noise_scale=0.0).float().clamp(-1, 1)
    return found


def measure(clips: Sequence[PhysicsClip], drawn: Sequence[torch.Tensor]) -> dict[str, Estimate]:
    """Figures of the reconstructions of clips."""
    decibels, sharp, missed, places = [], [], [], []
    for clip, video in zip(clips, drawn, strict=True):
        truth = clip.tensor
        decibels.append(-10 * np.log10(float(mse(video[None], truth[None]).mean())))
        if clip.scene.look.noise == 0:
            sharp.append(float(gradient_energy(video[None]).mean() / gradient_energy(truth[None]).mean()))
        found = track(video, clip.bodies, clip.scene.look)
        missed.append(float(found.missed.float().mean()))
        places.append(float(position_error(found.positions, clip.positions).mean()))
    return {"dB": mean(decibels), "sharpness": mean(sharp), "missed": mean(missed), "position error (px)": mean(places)}


def sheet(clips: Sequence[PhysicsClip], drawn: Sequence[torch.Tensor], path: Path) -> None:
    """Write a picture: a column of frames for each clip, above its reconstruction."""
    columns = []
    for clip, video in zip(clips[:SHOWN], drawn, strict=False):
        frames = [clip.tensor[:, ::EVERY][:, -3:], video[:, ::EVERY][:, -3:]]
        columns.append(torch.cat([one.transpose(0, 1).reshape(3, 3, *one.shape[2:]) for one in frames]))
    stacked = torch.stack(columns)  # clip, frame, rgb, height, width
    picture = stacked.permute(1, 3, 0, 4, 2).flatten(0, 1).flatten(1, 2)
    pixels = ((picture + 1) * 127.5).round().clamp(0, 255).byte().numpy()
    image = Image.fromarray(pixels)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.resize((image.width * LARGER, image.height * LARGER), Image.Resampling.NEAREST).save(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table, and write the picture if one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vae", type=Path, help="its folder")
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--sheet", type=Path, default=None, help="PNG: one of each world, named before its ending")
    given = parser.parse_args(arguments)
    vae = VideoVAE.from_pretrained(given.vae, dtype=torch.float32).eval()
    rows = []
    for name, physics in (("old", PhysicsConfig()), ("wide", wide())):
        clips = list(SimulatedSplit(physics, "validation", given.clips))
        drawn = reconstructed(vae, clips)
        rows.append({"world": name} | {key: f"{value:.3g}" for key, value in measure(clips, drawn).items()})
        if given.sheet is not None:
            sheet(clips, drawn, given.sheet.with_name(f"{given.sheet.stem}-{name}{given.sheet.suffix}"))
    print(markdown(rows))


if __name__ == "__main__":
    main()
