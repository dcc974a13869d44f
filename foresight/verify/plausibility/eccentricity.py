"""Distance of a candidate from the middle of the cloud."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from foresight.metrics.energy import distances, mean_to_others
from foresight.verify.evidence.records import LATENT_ROUNDING, PriorEvidence
from foresight.verify.plausibility.base import AbstractPlausibility


class Eccentricity(AbstractPlausibility):
    """A candidate's mean latent distance to the others, divided by the cloud's."""

    name = "eccentricity"

    def __call__(self, prior: PriorEvidence) -> Float[Tensor, "batch candidate"]:
        """Below 1 in the middle of the cloud, above 1 at its rim."""
        cloud = prior.predicted_latents.flatten(2)
        far = mean_to_others(distances(cloud, cloud)) + LATENT_ROUNDING
        return far / far.mean(dim=1, keepdim=True)
