"""Agreement of the candidates on the future."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.metrics.energy import spread
from foresight.verify.evidence.records import LATENT_ROUNDING, PriorEvidence
from foresight.verify.plausibility.base import AbstractPlausibility


class Agreement(AbstractPlausibility):
    """Log of the candidates' distance from the last frame repeated over that from each other; one per clip."""

    name = "agreement"

    def __call__(self, prior: PriorEvidence) -> Float[Tensor, "batch candidate"]:
        """Above 0 where the candidates' motion is larger than their disagreement."""
        latents = prior.predicted_latents
        moved = (latents - prior.copy_latents[:, None]).square().mean(dim=(2, 3, 4, 5)).sqrt().mean(dim=1)
        apart = spread(latents.flatten(2))
        return torch.log((moved + LATENT_ROUNDING) / (apart + LATENT_ROUNDING))[:, None].expand(latents.shape[:2])


class Spread(AbstractPlausibility):
    """Mean latent distance between candidates; one per clip."""

    name = "spread"

    def __call__(self, prior: PriorEvidence) -> Float[Tensor, "batch candidate"]:
        """0 where all candidates are equal."""
        latents = prior.predicted_latents
        return spread(latents.flatten(2))[:, None].expand(latents.shape[:2])
