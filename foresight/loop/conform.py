"""Predicting what was not seen from what was: futures that begin as the observed one, drawn as a whole."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.loop.chunk import Chunk
from foresight.world.prediction import Prediction
from foresight.world.world_model import WorldModel
from ltx.flow.noise import draw_noise
from ltx.flow.path import interpolate
from ltx.flow.sampler import StochasticStep, sample
from ltx.shapes import TIME, LatentShape, to_tokens


@torch.no_grad()
def conform(
    model: WorldModel,
    context: Float[Tensor, "rgb=3 context height width"],
    instruction: str,
    seen: Float[Tensor, "channel latent_seen row column"],
    *,
    candidates: int,
    steps: int,
    seed: int,
    horizon: int,
) -> Prediction:
    """Draws of the future given context, instruction and its first frames (Song et al. 2021, arXiv 2011.13456, I.2).

    At every noise level the seen tokens are replaced by what was seen with that much noise, so that all tokens always
    have one time, as in training, and what is not seen yet is drawn to fit. Every step forgets its noise and takes
    fresh one: what was drawn before the seen tokens were known this well is drawn again to fit them better, which is
    what repeated steps achieve in RePaint (Lugmayr et al. 2022, arXiv 2201.09865). With more steps the draws' mean
    tends to the conditional one; they lie closer together than the conditional distribution does.

    Args:
        model: the world model.
        context: observed frames before the future.
        instruction: what is supposed to be done.
        seen: latents of the first frames of the future.
        candidates: how many.
        steps: of the schedule; more fit better.
        seed: candidate i takes its noise from seed + i.
        horizon: frames of the video to return, seen and unseen.

    Raises:
        UserError: if the horizon is longer than one chunk.
    """
    channels, _, height, width = seen.shape
    shape = LatentShape(-(-horizon // TIME), height, width)
    chunk = Chunk(model, context, instruction, shape, candidates=candidates, seed=seed, steps=steps)
    true = to_tokens(seen[None].to(model.device, torch.float32)).expand(candidates, -1, -1)
    count = true.shape[1]

    def begin_as_seen(tokens: Tensor, sigma: float) -> Tensor:
        noise = draw_noise(true, chunk.generators)
        start = interpolate(true, noise, true.new_full(true.shape[:2], sigma))
        return torch.cat([start, tokens[:, count:]], dim=1)

    with chunk.rollout.stage("sampling"):
        tokens = draw_noise(true.new_empty(candidates, shape.tokens, channels), chunk.generators)
        sigmas = model.sampling_config.sigmas(1.0, steps, chunk.tokens)
        step = StochasticStep(chunk.generators)
        tokens = sample(chunk.denoiser(), tokens, sigmas, step=step, before_step=begin_as_seen)
        tokens = begin_as_seen(tokens, 0.0)
    return chunk.prediction(tokens, noise_level=1.0, passes=len(sigmas), horizon=horizon)
