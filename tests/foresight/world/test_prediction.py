"""The record of a prediction: the medoid by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from foresight.world.prediction import Prediction, StageSeconds


def prediction(values):
    latents = torch.tensor(values).view(-1, 1, 1, 1, 1).expand(-1, 2, 1, 1, 1)
    return Prediction(
        video=torch.zeros(len(values), 3, 8, 32, 32),
        latents=latents,
        context=torch.zeros(3, 9, 32, 32),
        context_latents=torch.zeros(2, 2, 1, 1),
        features=None,
        instruction="nothing is pushed",
        frame_rate=8.0,
        seed=0,
        noise_level=1.0,
        steps=4,
        evaluations=4,
        seconds=StageSeconds(),
    )


@pytest.mark.parametrize(
    ("values", "medoid"),
    [([5.0], 0), ([1.0, 9.0], 0), ([0.0, 10.0, 4.0], 2), ([0.0, 1.0, 2.0, 100.0], 2), ([7.0, 7.0, 0.0], 0)],
)
def test_the_medoid_has_the_least_squared_distance_to_all_others(values: Any, medoid: int) -> None:
    """By hand: of 0, 1, 2, 100 the sums of squares are 10005, 9803, 9609, … so candidate 2; ties go to the first."""
    record = prediction(values)
    assert record.medoid == medoid and len(record) == len(values)


@pytest.mark.parametrize(
    ("values", "consensus"),
    [
        ([5.0], 5.0),
        ([1.0, 9.0], 5.0),
        ([0.0, 10.0, 5.0], 5.0),
        ([0.0, 1.0, 2.0, 100.0], 1.0),
        ([3.0, 1.0, 2.0, 90.0, 2.0], 2.0),
    ],
)
def test_the_consensus_is_the_mean_of_the_three_quarters_nearest_to_the_medoid(values: Any, consensus: float) -> None:
    """By hand: of 0, 1, 2, 100 three, without the farthest; of five four; of up to three all."""
    assert prediction(values).consensus.flatten().tolist() == [consensus] * 2


def test_the_total_is_the_sum_of_the_stages() -> None:
    """1 + 2 + 4 + 8 + 16 = 31."""
    assert StageSeconds(features=1, encoding=2, conditioning=4, sampling=8, decoding=16).total == 31
