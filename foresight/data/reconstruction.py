"""Reconstruction quality of a VAE on a set of clips, measured on a few before hours are spent on all."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.data.source import ClipSource
from foresight.reproducibility.fingerprint import fingerprint
from foresight.world.domain import decibels
from foresight.world.sampling_config import SamplingConfig
from ltx.files import write_text

Video = Float[Tensor, "batch rgb=3 frame height width"]

SAMPLE, FRAMES = 8, 9
"""So many clips, evenly spread over the set, and so many first frames of each: a second of a large VAE on a CPU."""
FOLDER = "reconstruction"


@runtime_checkable
class Reconstructs(Protocol):
    """An encoder that can also draw what it has encoded."""

    def drawer(self) -> dict[str, Any]:
        """Dependencies of its reconstructions, as JSON-able data."""
        ...

    def reconstruct(self, video: Video) -> Video:
        """Videos in [−1, 1] after encoding and decoding."""
        ...


@dataclass(frozen=True)
class Reconstruction:
    """Reconstruction quality of a set of clips.

    Args:
        psnr: of their mean squared error, in dB.
        worst: of the clip that is drawn worst.
        clips: how many were tried.
    """

    psnr: float
    worst: float
    clips: int

    @property
    def poor(self) -> bool:
        """True if predictions come with a warning, or with no verdict at all, because of it."""
        return not self.psnr >= SamplingConfig.domain_warning

    def sentence(self, remedy: str) -> str:
        """The figure, with the remedy where it is poor."""
        said = f"reconstruction through the VAE: {self.psnr:.1f} dB ({self.clips} clips, the worst {self.worst:.1f})"
        if not self.poor:
            return said
        least = SamplingConfig.domain_limit
        what = (
            f"below {least:g}, nothing is judged"
            if not self.psnr >= least
            else f"below {SamplingConfig.domain_warning:g}, predictions come with a warning"
        )
        return f"{said}; {what}: {remedy}"


def measured(pairs: Iterable[tuple[Video, Video]]) -> Reconstruction:
    """Of clips and what was made of them, each a batch of one size.

    Raises:
        ValueError: if there are none.
    """
    errors = [((drawn.cpu() - video.cpu()) / 2).square().mean(dim=(1, 2, 3, 4)) for video, drawn in pairs]
    if not errors:
        raise ValueError("expected at least one clip, got none")
    every = torch.cat(errors)
    return Reconstruction(decibels(float(every.mean())), decibels(float(every.max())), len(every))


def reconstruction(clips: ClipSource, encoder: Reconstructs, root: Path) -> Reconstruction:
    """Of a few clips of a set, through an encoder; kept beside the caches, so that it is measured once.

    Args:
        clips: prepared.
        encoder: that draws them.
        root: folder of caches.
    """
    key = fingerprint(json.loads(json.dumps({"clips": clips.recipe(), "drawer": encoder.drawer()})))[:16]
    path = root / FOLDER / f"{key}.json"
    if path.is_file():
        try:
            return Reconstruction(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError):
            path.unlink()

    found = measured((video, encoder.reconstruct(video)) for video in sampled(clips))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(asdict(found)))
    return found


def sampled(clips: ClipSource) -> Iterable[Video]:
    """The first frames of a few clips of a set, evenly spread over it, one by one."""
    count = min(SAMPLE, len(clips))
    for row in sorted({round(place * (len(clips) - 1) / max(count - 1, 1)) for place in range(count)}):
        yield clips.__getitems__([row]).video[:, :, :FRAMES]
