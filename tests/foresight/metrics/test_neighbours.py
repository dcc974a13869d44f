"""Nearest neighbours, what two spaces share of them, and the dimension they tell."""

from __future__ import annotations

import pytest
import torch

from foresight.metrics.neighbours import log_ratios, nearest, neighbour_recall

LINE = torch.tensor([[0.0], [1.0], [3.0], [7.0]])
ALONE = torch.arange(4)


def test_neighbours_by_hand() -> None:
    """On a line, and without those of the same group."""
    distances, indices = nearest(LINE, ALONE, 2)
    assert distances.tolist() == [[1, 3], [1, 2], [2, 3], [4, 6]]
    assert indices.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    assert nearest(LINE, torch.tensor([0, 0, 1, 1]), 1)[1].tolist() == [[2], [2], [1], [1]]
    with pytest.raises(ValueError, match="between 1 and 2 neighbours"):
        nearest(LINE, torch.tensor([0, 0, 1, 1]), 3)


def test_equal_spaces_share_all_neighbours_and_unrelated_ones_as_many_as_chance() -> None:
    """1 for a scaled copy; k / (n − 1) for independent rows."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(400, 5, generator=generator), torch.randn(400, 5, generator=generator)
    alone = torch.arange(400)
    assert torch.equal(neighbour_recall(x, 2 * x, alone, 10), torch.ones(400, dtype=torch.float64))
    assert neighbour_recall(x, y, alone, 10).mean().item() == pytest.approx(10 / 399, rel=0.2)


def test_recall_by_hand() -> None:
    """The row at 0 moves to 10: of the two neighbours of each row one stays."""
    other = torch.tensor([[10.0], [1.0], [3.0], [7.0]])
    assert neighbour_recall(LINE, other, ALONE, 2).tolist() == [0.5, 0.5, 0.5, 0.5]


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_the_dimension_of_a_plane_in_many_channels(dimension: int) -> None:
    """Uniform points on a plane of known dimension, turned into 30 channels: TwoNN finds it to 10 %."""
    generator = torch.Generator().manual_seed(0)
    basis = torch.linalg.qr(torch.randn(30, 30, generator=generator))[0][:dimension]
    points = torch.rand(2000, dimension, generator=generator) @ basis
    assert 1 / log_ratios(points, torch.arange(2000)).mean().item() == pytest.approx(dimension, rel=0.1)


def test_copies_tell_no_dimension() -> None:
    """A row whose first neighbour is a copy of it has no ratio; the others' are those by hand."""
    ratios = log_ratios(torch.tensor([[0.0], [0.0], [1.0], [4.0]]), ALONE)
    assert ratios[:2].isnan().all()
    assert torch.allclose(ratios[2:].exp(), torch.tensor([1.0, 4 / 3], dtype=torch.float64))
