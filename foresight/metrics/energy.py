"""Distances of a cloud of candidates to an outcome and to each other, and the energy score made of them.

The energy score is E|X − y| − ½·E|X − X'| over candidates X and the outcome y (Gneiting & Raftery 2007, eq. 21). Here
it is made of root mean square distances, so that its unit is that of the values, whatever their number.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def distances(
    one: Float[Tensor, "batch first value"], other: Float[Tensor, "batch second value"]
) -> Float[Tensor, "batch first second"]:
    """Root mean square distance of each row to each row of another cloud."""
    found: Tensor = torch.cdist(one, other) / one.shape[2] ** 0.5
    return found


def mean_to_others(between: Float[Tensor, "batch candidate candidate"]) -> Float[Tensor, "batch candidate"]:
    """Mean distance of each candidate to the others; 0 for a single one."""
    return between.sum(dim=2) / max(1, between.shape[2] - 1)


def spread(cloud: Float[Tensor, "batch candidate value"]) -> Float[Tensor, " batch"]:
    """Mean distance between candidates, E|X − X'|; 0 where all are equal."""
    return mean_to_others(distances(cloud, cloud)).mean(dim=1)


def energy_score(
    cloud: Float[Tensor, "batch candidate value"], outcome: Float[Tensor, "batch value"]
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """The energy score of an outcome, and the cloud's spread, half of which it is on average for one more candidate."""
    inner = spread(cloud)
    outer = distances(cloud, outcome[:, None])[..., 0].mean(dim=1)
    return outer - inner / 2, inner
