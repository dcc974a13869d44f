"""A step can be compiled as one graph."""

from typing import Any

import pytest
import torch

from ltx.transformer import SkipLayers, TimestepGroups


@torch.no_grad()
@pytest.mark.parametrize("grouped", [False, True], ids=["row per token", "groups"])
def test_a_step_is_one_graph(grouped: bool, model_of: Any, inputs_of: Any) -> None:
    """Neither conditioning, rotation nor blocks shared by two branches break the graph, and it computes the same."""
    model, inputs = model_of("T1"), inputs_of("T1", batch=2)
    times = inputs.timesteps[:, :1].repeat(1, 60)
    times[:, :20] = 0
    groups = TimestepGroups.of(times) if grouped else None
    cache = model.prepare(inputs.coordinates, inputs.context, inputs.mask, groups=groups)
    skip = SkipLayers((1,), rows=(1,))
    step = torch.compile(model.denoise_both, fullgraph=True, backend="eager")
    for found, expected in zip(
        step(inputs.tokens, times, cache, skip), model.denoise_both(inputs.tokens, times, cache, skip), strict=True
    ):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
