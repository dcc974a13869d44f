"""The ceiling of any prediction: what the VAE leaves of the truth."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.world_model import WorldModel


@torch.no_grad()
def reconstruct(
    model: WorldModel, videos: Float[Tensor, "batch rgb=3 frame height width"]
) -> Float[Tensor, "batch rgb=3 frame height width"]:
    """Videos of 8k+1 frames in [−1, 1] after encoding and decoding, with no noise added."""
    dtype = next(model.vae.parameters()).dtype
    latents = model.encode(videos).to(dtype)
    video = model.vae.decode(latents, timestep=model.plan.decode_timestep, noise_scale=0.0)
    return video.float().clamp(-1, 1).cpu()
