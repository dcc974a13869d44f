"""The video model as reviser: under which instruction does its velocity field explain best what was seen?"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.loop.revisers.base import Case, ScoringReviser
from foresight.world.denoiser import FutureDenoiser
from foresight.world.flow_error import flow_error
from foresight.world.world_model import WorldModel
from ltx.flow.noise import draw_noise, seeded
from ltx.shapes import TIME, to_tokens


class LikelihoodReviser(ScoringReviser):
    """Minus the flow-matching error of the observed latents under each instruction, all with the same noise.

    The error bounds the negative log-likelihood (arXiv 2303.00848); between instructions for one clip all that does
    not depend on the instruction cancels. One evaluation per hypothesis, noise and noise level; nothing is sampled.

    Args:
        sigmas: noise levels in (0, 1).
        draws: of noise per level.
        seed: of the noise.

    Raises:
        ValueError: if a number is out of its range.
    """

    def __init__(self, sigmas: Sequence[float] = (0.3, 0.5, 0.7, 0.9), draws: int = 1, seed: int = 0) -> None:
        if not sigmas or not all(0 < sigma < 1 for sigma in sigmas) or draws < 1:
            raise ValueError(f"expected noise levels in (0, 1) and at least one draw, got {sigmas} and {draws}")
        self.sigmas, self.draws, self.seed = tuple(sigmas), draws, seed

    @torch.no_grad()
    def scores(self, model: WorldModel, case: Case) -> Float[Tensor, " hypothesis"]:
        """Higher is better explained."""
        count, start = len(case.hypotheses), model.sampling_config.context_frames
        frames = case.observed.shape[1] // TIME * TIME
        given = case.context[None, :, -start:].to(model.device, torch.float32)
        seen = case.observed[None, :, :frames].to(given)
        latents = model.encode(torch.cat([given, seen], dim=2))
        future = to_tokens(latents[:, :, -(frames // TIME) :]).expand(count, -1, -1)
        known = latents[:, :, : -(frames // TIME)].expand(count, -1, -1, -1, -1)
        contexts = case.context[None].to(given).expand(count, -1, -1, -1, -1)
        features = model.features(contexts, case.hypotheses)
        _, problem = model.condition(known, features, model.text(case.hypotheses), frames // TIME)
        denoise = FutureDenoiser(model.transformer, problem)
        total = future.new_zeros(count)
        for draw in range(self.draws):
            noise = draw_noise(future[:1], seeded([self.seed + draw])).expand_as(future)
            for error in flow_error(denoise, future, noise, self.sigmas).unbind(dim=1):
                total -= error
        return total.cpu()
