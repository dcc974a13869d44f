"""The straight line between a clean and a noisy token, by hand."""

from __future__ import annotations

import pytest
import torch

from ltx.flow.noise import draw_noise
from ltx.flow.path import (
    clean_from_velocity,
    interpolate,
    noise_from_velocity,
    velocity_between,
    velocity_from_clean,
)

CLEAN, NOISE, TIME = torch.tensor([[[2.0]]]), torch.tensor([[[10.0]]]), torch.tensor([[0.25]])


def test_every_point_leads_to_both_ends() -> None:
    """From 2 to 10, a quarter of the way is 4, and the velocity 8."""
    assert interpolate(CLEAN, NOISE, TIME).item() == 4
    assert velocity_between(CLEAN, NOISE).item() == 8
    point, velocity = torch.tensor([[[4.0]]]), torch.tensor([[[8.0]]])
    assert clean_from_velocity(point, velocity, TIME).item() == 2
    assert noise_from_velocity(point, velocity, TIME).item() == 10
    assert velocity_from_clean(point, CLEAN, TIME).item() == 8


@pytest.mark.parametrize("time", [0.0, -0.5])
def test_at_time_zero_there_is_no_velocity(time: float) -> None:
    """One token at 0 is enough to refuse all."""
    with pytest.raises(ValueError, match=f"expected times above 0 .*, got {time}"):
        velocity_from_clean(CLEAN.expand(1, 2, 1), CLEAN, torch.tensor([[0.5, time]]))


def test_there_is_a_generator_for_each_sample_or_for_all() -> None:
    """Another number of them is refused."""
    with pytest.raises(ValueError, match="one generator for each of 2 samples, got 1"):
        draw_noise(torch.zeros(2, 1), [torch.Generator()])
    assert draw_noise(torch.zeros(2, 1), [torch.Generator()] * 2).shape == (2, 1)
