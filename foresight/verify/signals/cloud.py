"""Where what happened lies in the cloud of candidates (Gneiting & Raftery 2007, energy score; rank histograms)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.verify.evidence import Evidence
from foresight.verify.signals.base import AbstractSignal
from foresight.verify.signals.latent import SMALL


def _distances(evidence: Evidence) -> tuple[Float[Tensor, "batch candidate"], Float[Tensor, "batch candidate other"]]:
    """Root mean square latent distance of each candidate to what happened, and to each candidate."""
    cloud = evidence.predicted_latents.flatten(2)
    scale = cloud.shape[2] ** 0.5
    to_observed = torch.cdist(cloud, evidence.observed_latents.flatten(1)[:, None])[..., 0] / scale
    return to_observed, torch.cdist(cloud, cloud) / scale


def _mean_to_others(between: Float[Tensor, "batch candidate other"]) -> Float[Tensor, "batch candidate"]:
    return between.sum(dim=2) / max(1, between.shape[2] - 1)


class EnergyScore(AbstractSignal):
    """E|X − y| − ½·E|X − X'| over candidates X and what happened y, divided by the candidates' mean distance."""

    name = "energy"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """About ½ where what happened is one more draw of the cloud, larger outside."""
        to_observed, between = _distances(evidence)
        inner = _mean_to_others(between).mean(dim=1)
        return (to_observed.mean(dim=1) - inner / 2) / inner.clamp(min=SMALL)


class Rank(AbstractSignal):
    """Share of candidates that lie further from the others than what happened does."""

    name = "rank"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 where what happened is an outlier of the cloud, 1 where it is the most central."""
        to_observed, between = _distances(evidence)
        return (_mean_to_others(between) >= to_observed.mean(dim=1, keepdim=True)).float().mean(dim=1)


class Disagreement(AbstractSignal):
    """Mean distance between candidates: how unsure the model is. Needs nothing of what happened."""

    name = "disagreement"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 for a single candidate."""
        return _mean_to_others(_distances(evidence)[1]).mean(dim=1)
