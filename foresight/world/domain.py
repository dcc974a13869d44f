"""Domain of a world model: pictures that its VAE can draw.

A model whose VAE cannot draw a picture cannot predict it, and nothing that was fitted on pictures it can draw (a
verdict, an alarm, a choice) says anything about it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.offload import device_of, dtype_of

if TYPE_CHECKING:
    from foresight.world.world_model import WorldModel
    from ltx.vae import VideoVAE

DECODE_TIMESTEP = 0.05
"""Noise level that the releases' decoders are told in generation."""


@dataclass(frozen=True)
class DomainCheck:
    """Quality at which a world model's VAE draws the observed frames.

    Args:
        psnr: of the reconstruction, in dB.
        warning: below it a prediction comes with a warning.
        limit: below it nothing is judged.
    """

    psnr: float
    warning: float
    limit: float

    @property
    def state(self) -> Literal["in", "near", "out"]:
        """ "in" its domain, "near" it, or "out" of it."""
        return "out" if not self.psnr >= self.limit else "near" if self.psnr < self.warning else "in"

    @property
    def sentence(self) -> str:
        """Warning with its remedy; empty inside the domain."""
        if self.state == "in":
            return ""
        drawn = f"the model's VAE draws this picture at {self.psnr:.1f} dB only"
        remedy = "train it on your own videos: foresight train experiment=finetune/vae"
        if self.state == "near":
            return f"near the edge of the model's world: {drawn} (below {self.warning:g}); to be surer, {remedy}"
        return f"not the model's world: {drawn} (below {self.limit:g}), so nothing is judged; {remedy}"


@torch.no_grad()
def reconstruct(
    model: WorldModel, videos: Float[Tensor, "batch rgb=3 frame height width"]
) -> Float[Tensor, "batch rgb=3 frame height width"]:
    """Videos of 8k+1 frames in [−1, 1] after encoding and decoding, with no noise added: no prediction comes nearer."""
    return drawn_by(model.vae, videos, model.sampling_config.decode_timestep)


@torch.no_grad()
def drawn_by(
    vae: VideoVAE, videos: Float[Tensor, "batch rgb=3 frame height width"], timestep: float = DECODE_TIMESTEP
) -> Float[Tensor, "batch rgb=3 frame height width"]:
    """Reconstruction of videos of 8k+1 frames in [−1, 1] by a VAE, at a decoder timestep without noise."""
    latents = vae.encode(videos.to(device_of(vae), dtype_of(vae)))
    video = vae.decode(latents, timestep=timestep, noise_scale=0.0)
    return video.float().clamp(-1, 1).cpu()


def check_domain(model: WorldModel, context: Float[Tensor, "rgb=3 context height width"]) -> DomainCheck:
    """Check the frames that the video model would be given of a context.

    Args:
        model: the world model.
        context: observed frames in [−1, 1]; 8k+1 of them, or more than the model is given.
    """
    given = context[None, :, -model.sampling_config.context_frames :]
    error = float((reconstruct(model, given) - given.cpu().float()).div(2).square().mean())
    return DomainCheck(decibels(error), model.sampling_config.domain_warning, model.sampling_config.domain_limit)


def decibels(error: float) -> float:
    """PSNR of a mean squared error on the [0, 1] scale; infinite without error, NaN where it is none."""
    return math.inf if error == 0 else -10 * math.log10(error) if error > 0 else math.nan
