"""Distance in the VAE's latent space, in units of the candidates' spread and of the frozen frame's distance."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence import Evidence
from foresight.verify.signals.base import AbstractSignal

# Normalised latents have deviation 1; spreads below a hundredth of it are rounding.
SMALL = 1e-2


class LatentDistance(AbstractSignal):
    """Root mean square distance of candidates, mean over candidates. Confounded by size, contrast and motion."""

    name = "latent"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 for a perfect prediction; normalised latents have deviation 1."""
        offset = evidence.predicted_latents - evidence.observed_latents[:, None]
        return offset.square().mean(dim=(2, 3, 4, 5)).sqrt().mean(dim=1)


class LatentSpread(AbstractSignal):
    """Distance of what happened from the candidates' mean, divided by the candidates' own root mean square spread.

    The latent analogue of a z-score; for a single candidate the spread is `SMALL`.
    """

    name = "latent_spread"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """About 1 where what happened is as far from the mean as a candidate."""
        centre = evidence.predicted_latents.mean(dim=1)
        spread = (evidence.predicted_latents - centre[:, None]).square().mean(dim=(1, 2, 3, 4, 5)).sqrt()
        distance = (evidence.observed_latents - centre).square().mean(dim=(1, 2, 3, 4)).sqrt()
        return distance / torch.clamp(spread, min=SMALL)


class LatentRatio(AbstractSignal):
    """Distance of the nearest candidate, divided by the distance of the frozen last frame."""

    name = "latent_ratio"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 for a perfect candidate, 1 for a copy of the last frame."""
        offset = evidence.predicted_latents - evidence.observed_latents[:, None]
        nearest = offset.square().mean(dim=(2, 3, 4, 5)).sqrt().amin(dim=1)
        copy = (evidence.frozen_latents - evidence.observed_latents).square().mean(dim=(1, 2, 3, 4)).sqrt()
        return (nearest + SMALL) / (copy + SMALL)
