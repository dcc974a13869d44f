"""Repairing a prediction: its latents are noised again, wholly or in places, and the flow runs down from there."""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from foresight.errors import UserError
from foresight.prediction import Prediction
from foresight.rollout import Rollout
from foresight.world_model import WorldModel
from ltx.flow.noise import draw_noise, seeded
from ltx.flow.path import interpolate
from ltx.flow.sampler import sample
from ltx.shapes import TIME, LatentShape, from_tokens, to_tokens


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
        UserError: if the latents reach beyond one chunk: what follows a repaired chunk would have to be drawn anew.
    """
    candidates, shape = len(latents), LatentShape.of(latents)
    if shape.frames * TIME > model.plan.chunk_frames:
        raise UserError(
            expected=f"a prediction of at most {model.plan.chunk_frames} frames, one chunk, to repair",
            got=f"{shape.frames * TIME} frames",
            remedy="choose a shorter horizon, or a policy that does not refine",
        )
    rollout = Rollout(
        model,
        chunks=1,
        steps=model.plan.steps,
        generators=seeded([seed + index for index in range(candidates)]),
        progress=lambda stage, done, of: None,
    )
    # What the transformer is given, as in the prediction itself.
    given = context[None, :, -model.plan.context_frames :].to(model.device, torch.float32)
    with rollout.stage("features"):
        features = model.features(context[None].to(model.device, torch.float32), [instruction])
    with rollout.stage("encoding"):
        context_latents = model.encode(given)
    with rollout.stage("conditioning"):
        _, problem = model.given(context_latents, features, model.text([instruction]), shape.frames)

    # Every token starts at its own time and moves only while the schedule is below it.
    with rollout.stage("sampling"):
        clean = to_tokens(latents.to(model.device, torch.float32))
        times = noise_level * rearrange(where, "b f h w -> b (f h w)").to(clean)
        sigmas = model.plan.sigmas(noise_level, model.plan.steps)
        tokens = interpolate(clean, draw_noise(clean, rollout.generators), times)
        tokens = torch.where(times[..., None] > 0, tokens, clean)
        tokens = sample(rollout.denoiser(problem.repeat(candidates)), tokens, sigmas, strength=1 - times)
    repaired = from_tokens(tokens, shape)
    with rollout.stage("decoding"):
        whole = torch.cat([context_latents.repeat_interleave(candidates, 0), repaired], dim=2)
        video = model.decode(whole, rollout.generators)[:, :, given.shape[2] :]
    return Prediction(
        video=video[:, :, :horizon],
        latents=repaired,
        context=given[0],
        context_latents=context_latents[0],
        features=features,
        instruction=instruction,
        frame_rate=model.plan.frame_rate,
        seed=seed,
        noise_level=noise_level,
        steps=model.plan.steps,
        evaluations=len(sigmas) * (2 if model.plan.guidance > 1 else 1),
        seconds=rollout.seconds,
    )
