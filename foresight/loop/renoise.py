"""Repairing a prediction: its latents are noised again, wholly or in places, and the flow runs down from there."""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from foresight.loop.chunk import Chunk
from foresight.world.prediction import Prediction
from foresight.world.world_model import WorldModel
from ltx.flow.noise import draw_noise
from ltx.flow.path import interpolate
from ltx.flow.sampler import sample
from ltx.shapes import LatentShape, to_tokens


@torch.no_grad()
def renoise(
    model: WorldModel,
    context: Float[Tensor, "rgb=3 context height width"],
    instruction: str,
    latents: Float[Tensor, "candidate channel latent_frame row column"],
    where: Bool[Tensor, "candidate latent_frame row column"],
    *,
    noise_level: float,
    seed: int,
    horizon: int,
) -> Prediction:
    """z = (1 − σ*)·ẑ + σ*·ε in the chosen tokens, then the flow from σ* down.

    The other tokens stay as they are, bit by bit, and are told to the transformer as clean (time 0 of their own), as
    the context is: the repair has to fit them.

    Args:
        model: predicted the latents.
        context: observed frames before them.
        instruction: what is supposed to be done.
        latents: of the candidates, ẑ.
        where: the tokens to repair.
        noise_level: σ* in (0, 1].
        seed: candidate i takes its noise from seed + i.
        horizon: frames of the video to return.

    Raises:
        UserError: if the latents reach beyond one chunk.
    """
    steps = model.sampling_config.steps
    chunk = Chunk(model, context, instruction, LatentShape.of(latents), candidates=len(latents), seed=seed, steps=steps)
    # Every token starts at its own time and moves only while the schedule is below it.
    with chunk.rollout.stage("sampling"):
        clean = to_tokens(latents.to(model.device, torch.float32))
        times = noise_level * rearrange(where, "b f h w -> b (f h w)").to(clean)
        sigmas = model.sampling_config.sigmas(noise_level, steps, chunk.tokens)
        tokens = interpolate(clean, draw_noise(clean, chunk.generators), times)
        tokens = sample(chunk.denoiser(), tokens, sigmas, strength=1 - times)
    return chunk.prediction(tokens, noise_level=noise_level, passes=len(sigmas), horizon=horizon)
