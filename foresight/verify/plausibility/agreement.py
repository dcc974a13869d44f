"""How much the candidates agree on the future: what a model that knows does."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence import Prospect
from foresight.verify.plausibility.base import SMALL, AbstractPlausibility, distances


class Agreement(AbstractPlausibility):
    """Log of how far candidates move from the frozen frame over how far they lie from each other; one per clip."""

    name = "agreement"

    def __call__(self, prospect: Prospect) -> Float[Tensor, "batch candidate"]:
        """Above 0 where the candidates' motion is larger than their disagreement."""
        latents = prospect.predicted_latents
        moved = (latents - prospect.frozen_latents[:, None]).square().mean(dim=(2, 3, 4, 5)).sqrt().mean(dim=1)
        spread = distances(latents).mean(dim=1)
        return torch.log((moved + SMALL) / (spread + SMALL))[:, None].expand(latents.shape[:2])


class Spread(AbstractPlausibility):
    """Mean latent distance between candidates; one per clip."""

    name = "spread"

    def __call__(self, prospect: Prospect) -> Float[Tensor, "batch candidate"]:
        """0 where all candidates are equal."""
        latents = prospect.predicted_latents
        return distances(latents).mean(dim=1, keepdim=True).expand(latents.shape[:2])
