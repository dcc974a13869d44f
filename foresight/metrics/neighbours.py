"""Nearest neighbours among rows of other groups: whether two spaces agree on them, and what dimension they tell."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

Rows = Float[Tensor, "row _channel"]
Groups = Int[Tensor, " row"]


def nearest(rows: Rows, groups: Groups, count: int) -> tuple[Float[Tensor, "row near"], Int[Tensor, "row near"]]:
    """Distances to, and indices of, the nearest rows of other groups, nearest first.

    Raises:
        ValueError: if a row has fewer such neighbours.
    """
    fewest = len(rows) - int(groups.unique(return_counts=True)[1].max())
    if not 1 <= count <= fewest:
        raise ValueError(f"expected between 1 and {fewest} neighbours in other groups, got {count}")
    distances = torch.cdist(rows.double(), rows.double())
    distances[groups[:, None] == groups[None]] = torch.inf
    found = distances.topk(count, dim=1, largest=False)
    return found.values, found.indices


def neighbour_recall(one: Rows, other: Rows, groups: Groups, count: int) -> Float[Tensor, " row"]:
    """Per row, which share of its `count` nearest neighbours in one space are so in the other too (mutual k-NN).

    Equal spaces give 1, unrelated ones count / (rows of other groups); arXiv 2405.07987.

    Args:
        one: rows of one space.
        other: the same rows in the other.
        groups: whose row each is; rows of one group are no neighbours.
        count: how many neighbours.

    Raises:
        ValueError: if the rows are not paired, or have too few neighbours.
    """
    if not len(one) == len(other) == len(groups):
        raise ValueError(f"expected as many rows and groups, got {len(one)}, {len(other)} and {len(groups)}")
    (_, here), (_, there) = nearest(one, groups, count), nearest(other, groups, count)
    return (here[:, :, None] == there[:, None]).any(dim=2).double().mean(dim=1)


def log_ratios(rows: Rows, groups: Groups) -> Float[Tensor, " row"]:
    """Per row, log of the distance to its second neighbour over that to its first; NaN where the first is a copy.

    Where rows are spread evenly on a manifold of d dimensions, the logarithms are exponentially distributed with mean
    1/d, so that d is 1 / their mean (TwoNN, Facco et al. 2017, doi 10.1038/s41598-017-11873-y).

    Raises:
        ValueError: if rows have fewer than two neighbours.
    """
    distances, _ = nearest(rows, groups, 2)
    ratios = (distances[:, 1] / distances[:, 0]).log()
    return torch.where(distances[:, 0] > 0, ratios, torch.nan)
