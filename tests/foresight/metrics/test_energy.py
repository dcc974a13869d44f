"""Distances and energy scores of clouds by hand values."""

from __future__ import annotations

import pytest
import torch

from foresight.metrics.energy import distances, energy_score, mean_to_others, spread


def cloud() -> torch.Tensor:
    """Three candidates of two values each, on one line: at 0, 1 and 4."""
    return torch.tensor([[[0.0, 0.0], [1.0, 1.0], [4.0, 4.0]]])


def test_distances_are_root_mean_squares() -> None:
    """Their unit is that of a value, however many there are: 1 apart in each of two values is 1."""
    assert torch.allclose(distances(cloud(), cloud())[0, 0], torch.tensor([0.0, 1.0, 4.0]))


def test_a_candidate_is_no_other_of_its_own() -> None:
    """Means are over the two others: (1 + 4) / 2, (1 + 3) / 2 and (4 + 3) / 2; the spread is the mean of these."""
    between = distances(cloud(), cloud())
    assert mean_to_others(between)[0].tolist() == pytest.approx([2.5, 2.0, 3.5])
    assert float(spread(cloud())) == pytest.approx(8 / 3)
    assert float(spread(cloud()[:, :1])) == 0.0


def test_the_energy_score_by_hand() -> None:
    """Of an outcome at 1: (1 + 0 + 3) / 3 − ½·8/3 = 0; at 7 it is (7 + 6 + 3) / 3 − ½·8/3 = 4."""
    outcomes = torch.tensor([[1.0, 1.0], [7.0, 7.0]])
    score, inner = energy_score(cloud().expand(2, -1, -1), outcomes)
    assert score.tolist() == pytest.approx([0.0, 4.0], abs=1e-6) and inner.tolist() == pytest.approx([8 / 3] * 2)
