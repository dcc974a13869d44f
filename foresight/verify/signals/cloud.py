"""Place of the observed future in the cloud of candidates (energy score; rank histograms)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from foresight.metrics.energy import distances, energy_score, mean_to_others, spread
from foresight.verify.evidence.records import LATENT_ROUNDING, Evidence
from foresight.verify.signals.base import AbstractSignal


class EnergyScore(AbstractSignal):
    """E|X − y| − ½·E|X − X'| over candidates X and the observed future y, divided by the candidates' mean distance."""

    name = "energy"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """About ½ where the observed future is one more draw of the cloud, larger outside."""
        score, inner = energy_score(evidence.predicted_latents.flatten(2), evidence.observed_latents.flatten(1))
        return score / inner.clamp(min=LATENT_ROUNDING)


class Rank(AbstractSignal):
    """Share of candidates that lie further from the others than the observed future does."""

    name = "rank"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 where the observed future is an outlier of the cloud, 1 where it is the most central."""
        cloud = evidence.predicted_latents.flatten(2)
        to_observed = distances(cloud, evidence.observed_latents.flatten(1)[:, None])[..., 0]
        further = mean_to_others(distances(cloud, cloud)) >= to_observed.mean(dim=1, keepdim=True)
        return further.float().mean(dim=1)


class Disagreement(AbstractSignal):
    """Mean distance between candidates, as the plausibility `spread`; it looks at nothing that was observed."""

    name = "disagreement"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 for a single candidate."""
        return spread(evidence.predicted_latents.flatten(2))
