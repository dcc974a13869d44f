"""A frozen transformer in the type that it is stored in, and gradients of adapters through it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from foresight.training.initial import frozen_transformer
from foresight.world.denoiser import ConditionedSequence, future_velocity
from ltx.transformer import VideoTransformer
from tests.small import transformer_config

CONFIG = transformer_config(
    num_attention_heads=2, attention_head_dim=12, positional_embedding_max_pos=(4.0, 64.0, 64.0)
)


@pytest.mark.parametrize(("small", "expected"), [(1 << 30, torch.float32), (0, torch.bfloat16)])
def test_large_ones_stay_as_they_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int, expected: torch.dtype
) -> None:
    """Up to a GiB it is read as float32; above, no copy in another type is made, and no gradient is wanted."""
    monkeypatch.setattr("foresight.world.placement.SMALL", small)
    VideoTransformer(CONFIG).to(torch.bfloat16).save_pretrained(tmp_path)
    found = frozen_transformer(where=tmp_path)
    assert {parameter.dtype for parameter in found.parameters()} == {expected}
    assert not any(parameter.requires_grad for parameter in found.parameters())


def test_half_precision_inside_is_float32_outside() -> None:
    """Tokens and text in float32 go in, the velocity comes out so, near to that of float32, with gradients to both."""
    torch.manual_seed(0)
    exact = VideoTransformer(CONFIG).requires_grad_(False)
    half = VideoTransformer(CONFIG).requires_grad_(False)
    half.load_state_dict(exact.state_dict())
    half.to(torch.bfloat16)
    text = torch.randn(1, 5, 16, requires_grad=True)
    given = ConditionedSequence(
        latents=torch.randn(1, 4, 8),
        noise_level=0.0,
        coordinates=torch.rand(1, 3, 12),
        text=text,
        text_mask=torch.ones(1, 5, dtype=torch.bool),
        reference=None,
    )
    future = torch.randn(1, 8, 8, requires_grad=True)
    times = torch.full((1, 8), 0.5)
    expected = future_velocity(exact, given, future, times)
    found = future_velocity(half, given, future, times)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, atol=0.05, rtol=0.05)
    found.square().mean().backward()
    assert text.grad is not None and future.grad is not None
    assert bool(text.grad.any()) and bool(future.grad.any())
