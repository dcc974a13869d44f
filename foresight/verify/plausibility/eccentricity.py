"""How far from the middle of the cloud a candidate lies."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence import Prospect
from foresight.verify.plausibility.base import SMALL, AbstractPlausibility, distances


class Eccentricity(AbstractPlausibility):
    """A candidate's mean latent distance to the others, divided by the cloud's."""

    name = "eccentricity"

    def __call__(self, prospect: Prospect) -> Float[Tensor, "batch candidate"]:
        """Below 1 in the middle of the cloud, above 1 at its rim."""
        far = distances(prospect.predicted_latents) + SMALL
        return far / far.mean(dim=1, keepdim=True)
