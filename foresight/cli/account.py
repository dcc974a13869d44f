"""Account of a data set before training: treatment of its videos, and their reconstruction by the VAE."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import nn

from foresight.cli.console import console
from foresight.data.account import GivesAccount
from foresight.data.reconstruction import Reconstruction, measured, sampled
from foresight.data.videos import VideoClips
from foresight.world.domain import drawn_by
from ltx.vae import VideoVAE

REMEDY = (
    "first train the VAE on these videos, or for longer (foresight train experiment=finetune/vae), "
    "then ltx.vae=runs/finetune/vae/vae"
)
"""Where the VAE draws a set of videos badly, be it the release's or one that was trained on them."""


@runtime_checkable
class _Drawn(Protocol):
    def reconstruction(self) -> Reconstruction | None: ...


def give_account(data: Any) -> None:
    """Print a line each on clips, cropping, rate and what is left out, for training and validation.

    Args:
        data: a data module; one whose sources cannot say anything is passed over.
    """
    for name in ("train", "validation"):
        source = getattr(data, name, None)
        for line in source.account() if isinstance(source, GivesAccount) else ():
            console.print(f"{name}: {line}")


def give_reconstruction(data: Any, network: nn.Module | None = None) -> None:
    """Print how well the VAE draws a few training clips, and the remedy where that is bad.

    Args:
        data: a data module.
        network: what is trained; if it is a VAE on videos, training is the remedy.
    """
    source = getattr(data, "train", None)
    if isinstance(source, _Drawn):
        found = source.reconstruction()
        if found is not None:
            console.print(f"train: {found.sentence(REMEDY)}")
    elif isinstance(source, VideoClips) and isinstance(network, VideoVAE):
        found = measured((video, drawn_by(network, video)) for video in sampled(source))
        console.print(f"train: {found.sentence('that is what this training is for')}")
