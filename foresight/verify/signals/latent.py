"""Distance in the VAE's latent space, raw, in units of the candidates' spread, and of the last frame's distance."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence.records import LATENT_ROUNDING, Evidence
from foresight.verify.signals.base import AbstractSignal


class LatentDistance(AbstractSignal):
    """Root mean square distance of candidates, mean over candidates. Confounded by size, contrast and motion."""

    name = "latent"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 for a perfect prediction; normalised latents have deviation 1."""
        offset = evidence.predicted_latents - evidence.observed_latents[:, None]
        return offset.square().mean(dim=(2, 3, 4, 5)).sqrt().mean(dim=1)


class LatentSpread(AbstractSignal):
    """Distance of the observed future from the candidates' mean, divided by their own root mean square spread.

    The latent analogue of a z-score; for a single candidate the spread is `LATENT_ROUNDING`.
    """

    name = "latent_spread"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """About 1 where the observed future is as far from the mean as a candidate."""
        centre = evidence.predicted_latents.mean(dim=1)
        spread = (evidence.predicted_latents - centre[:, None]).square().mean(dim=(1, 2, 3, 4, 5)).sqrt()
        distance = (evidence.observed_latents - centre).square().mean(dim=(1, 2, 3, 4)).sqrt()
        return distance / torch.clamp(spread, min=LATENT_ROUNDING)


class LatentRatio(AbstractSignal):
    """Distance of the nearest candidate, divided by that of the last frame repeated."""

    name = "latent_ratio"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 for a perfect candidate, 1 for a copy of the last frame."""
        offset = evidence.predicted_latents - evidence.observed_latents[:, None]
        nearest = offset.square().mean(dim=(2, 3, 4, 5)).sqrt().amin(dim=1)
        copy = (evidence.copy_latents - evidence.observed_latents).square().mean(dim=(1, 2, 3, 4)).sqrt()
        return (nearest + LATENT_ROUNDING) / (copy + LATENT_ROUNDING)
