"""Measures of a representation's alignment with latents, on held-out clips, with intervals over clips."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from experiments.alignment.states import States
from foresight.metrics.cka import cka, hsic_triple
from foresight.metrics.neighbours import log_ratios, neighbour_recall
from foresight.metrics.ridge import fit_ridge
from foresight.metrics.statistics import Estimate, bootstrap, mean, skill
from foresight.physics import COLOURS

SEEN, COMING = "R² of latents seen", "R² of latents to come"
CKA, RECALL, DIMENSION = "CKA", "neighbour recall", "dimension"
HERE, SOON = "position error now (px)", "position error to come (px)"
MEASURES = (SEEN, COMING, CKA, RECALL, DIMENSION, HERE, SOON)

Cells = Float[Tensor, "clip place channel"]


def measure(name: str, train: States, test: States, *, batch: int, neighbours: int) -> dict[str, Estimate]:
    """All `MEASURES` of a representation.

    Args:
        name: of the representation.
        train: clips on which probes and the mean of each place are fitted.
        test: held-out clips.
        batch: clips of one batch of CKA.
        neighbours: how many are compared.
    """
    x, held = centred(train.cells[name], test.cells[name])
    _, latents = centred(train.seen, test.seen)
    rows, seen, clips = held.flatten(0, 1), latents.flatten(0, 1), test.clip_of_row
    recall = neighbour_recall(rows, seen, clips, neighbours).view(len(held), -1).mean(dim=1)
    return {
        SEEN: explained(x, held, train.seen, test.seen),
        COMING: explained(x, held, train.coming, test.coming),
        CKA: shared_structure(held, latents, batch),
        RECALL: mean(recall.numpy()),
        DIMENSION: dimension(held),
        HERE: mean(position_errors(train.pictures[name], test.pictures[name], train.here, test.here)),
        SOON: mean(position_errors(train.pictures[name], test.pictures[name], train.soon, test.soon)),
    }


def centred(train: Cells, test: Cells) -> tuple[Cells, Cells]:
    """Both without the training mean of each place: what is said beyond where it is said."""
    usual = train.mean(dim=0)
    return train - usual, test - usual


def explained(x: Cells, held: Cells, train: Cells, test: Cells) -> Estimate:
    """R² of a linear probe from the states of a place to its latent: 1 − error / error of the place's mean latent."""
    y, truth = centred(train, test)
    probe = fit_ridge(x.flatten(0, 1), y.flatten(0, 1))
    error = (probe(held.flatten(0, 1)).view_as(truth) - truth).square().sum(dim=(1, 2))
    return skill(error.numpy(), truth.square().sum(dim=(1, 2)).numpy())


def shared_structure(one: Cells, other: Cells, batch: int) -> Estimate:
    """Debiased CKA, resampled over batches of clips.

    Raises:
        ValueError: if there are not two full batches.
    """
    if len(one) < 2 * batch:
        raise ValueError(f"expected at least two batches of {batch} clips, got {len(one)} clips")
    batches = [slice(first, first + batch) for first in range(0, len(one) - batch + 1, batch)]
    triples = [hsic_triple(one[rows].flatten(0, 1), other[rows].flatten(0, 1)) for rows in batches]
    return bootstrap(cka, *np.asarray(triples).T)


def dimension(cells: Cells) -> Estimate:
    """Intrinsic dimension of the rows (TwoNN) among clips, resampled over clips."""
    clips = torch.arange(len(cells)).repeat_interleave(cells.shape[1])
    ratios = log_ratios(cells.flatten(0, 1), clips).view(len(cells), -1)
    known = ~ratios.isnan()
    sums, counts = ratios.nan_to_num().sum(dim=1).numpy(), known.sum(dim=1).numpy()
    return bootstrap(lambda total, count: float(count.sum() / total.sum()), sums, counts)


def position_errors(
    x: Float[Tensor, "clip dim"],
    held: Float[Tensor, "_held dim"],
    train: Float[Tensor, "clip colour xy=2"],
    test: Float[Tensor, "_held colour xy=2"],
) -> np.ndarray:
    """Per held-out clip, mean distance in pixels between its bodies and where one linear probe per colour sees them."""
    errors = torch.full(test.shape[:2], torch.nan)
    for colour in range(len(COLOURS)):
        told, asked = ~train[:, colour, 0].isnan(), ~test[:, colour, 0].isnan()
        if not asked.any():
            continue
        probe = fit_ridge(x[told], train[told, colour])
        errors[asked, colour] = (probe(held[asked]) - test[asked, colour]).norm(dim=1)
    return errors.nanmean(dim=1).numpy()


def mean_place_errors(train: Float[Tensor, "clip colour xy=2"], test: Float[Tensor, "_held colour xy=2"]) -> np.ndarray:
    """The same for one who has seen nothing, and says where bodies of that colour are on average."""
    return (train.nanmean(dim=0) - test).norm(dim=2).nanmean(dim=1).numpy()


def staying_errors(here: Float[Tensor, "clip colour xy=2"], soon: Float[Tensor, "clip colour xy=2"]) -> np.ndarray:
    """The same for one who knows where every body is now, and says that it stays there."""
    return (here - soon).norm(dim=2).nanmean(dim=1).numpy()
