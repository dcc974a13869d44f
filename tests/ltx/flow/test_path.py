"""The straight line between a clean and a noisy token, by hand."""

from __future__ import annotations

import pytest
import torch

from ltx.flow.noise import draw_noise
from ltx.flow.path import (
    clean_from_velocity,
    interpolate,
    velocity_between,
)

CLEAN, NOISE, TIME = torch.tensor([[[2.0]]]), torch.tensor([[[10.0]]]), torch.tensor([[0.25]])


def test_the_path_by_hand() -> None:
    """From 2 to 10, a quarter of the way is 4, and the velocity 8."""
    assert interpolate(CLEAN, NOISE, TIME).item() == 4
    assert velocity_between(CLEAN, NOISE).item() == 8
    point, velocity = torch.tensor([[[4.0]]]), torch.tensor([[[8.0]]])
    assert clean_from_velocity(point, velocity, TIME).item() == 2


def test_there_is_a_generator_for_each_sample_or_for_all() -> None:
    """Another number of them is refused."""
    with pytest.raises(ValueError, match="one generator for each of 2 samples, got 1"):
        draw_noise(torch.zeros(2, 1), [torch.Generator()])
    assert draw_noise(torch.zeros(2, 1), [torch.Generator()] * 2).shape == (2, 1)
