"""Weights in eight bits: how far they are off, and which come back as they were."""

from __future__ import annotations

import torch

from ltx.offload import Float8


def test_what_was_stored_in_float8_comes_back_to_the_bit() -> None:
    """Every finite float8 number, also in channels that are all small, as files without scales hold them."""
    numbers = torch.arange(256, dtype=torch.uint8).view(torch.float8_e4m3fn).float()
    numbers = numbers[numbers.isfinite()]
    weight = torch.stack([numbers, numbers * (numbers.abs() < 2**-6), torch.zeros_like(numbers)]).bfloat16()
    assert torch.equal(Float8.of(weight).weight(torch.bfloat16), weight)


def test_the_error_is_bounded_in_every_channel() -> None:
    """A sixteenth of the weight, or 2⁻¹⁸ of the channel's largest; channels a million times smaller are no worse."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(64, 512, generator=generator) * torch.logspace(-6, 2, 64)[:, None]
    found = Float8.of(weight).weight(torch.float32)
    bound = torch.maximum(weight.abs() / 16, weight.abs().amax(1, keepdim=True) * 2**-18)
    assert bool(((found - weight).abs() <= bound * (1 + 1e-6)).all())
    relative = (found - weight).norm(dim=1) / weight.norm(dim=1)
    assert float(relative.max()) < 0.03


def test_the_scale_is_a_power_of_two_and_keeps_the_range() -> None:
    """The largest of each channel lies in (224, 448]."""
    weight = torch.tensor([[1.0, -3.0], [448.0, 1.0], [449.0, 0.0], [1e-30, 0.0]])
    stored = Float8.of(weight)
    assert bool((torch.log2(stored.scale) % 1 == 0).all())
    largest = stored.values.float().abs().amax(1)
    assert bool(((largest > 223) & (largest <= 448)).all())
