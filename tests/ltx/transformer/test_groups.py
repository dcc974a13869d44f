"""Which tokens share a timestep."""

from typing import Any

import pytest
import torch

from ltx.transformer import TimestepGroups, VideoTransformer
from ltx.transformer.conditioning import add_gated, for_tokens, modulate


def labels(*runs: tuple[float, int]) -> torch.Tensor:
    return torch.cat([torch.full((length,), value) for value, length in runs])[None]


def test_a_given_first_frame_makes_stretches() -> None:
    """Where the timestep changes at multiples of 20 tokens only, there is a row for every 20, and no index."""
    groups = TimestepGroups.of(labels((1, 20), (0, 40)))
    assert groups.members is None and groups.flat(5) is None
    assert groups.first.tolist() == [[0, 20, 40]]
    assert groups.rows(labels((0, 20), (0.7, 40))).tolist() == [[0, pytest.approx(0.7), pytest.approx(0.7)]]


def test_equal_timesteps_are_one_row() -> None:
    """Without conditioning there is one row for all."""
    assert TimestepGroups.of(labels((0.3, 60))).first.tolist() == [[0]]


def test_scattered_tokens_are_found_by_index() -> None:
    """Two values in no order are two rows and an index; in a batch the index counts rows over all samples."""
    scattered = (torch.arange(48) % 3 == 1).float().expand(2, -1)
    groups = TimestepGroups.of(scattered)
    assert groups.count == 2
    assert groups.first.tolist() == [[0, 1], [0, 1]]
    assert groups.flat(2)[:4].tolist() == [0, 1, 0, 0]
    assert groups.flat(2)[48:52].tolist() == [2, 3, 2, 2]


def test_all_different_is_a_row_for_each() -> None:
    """Many values are not worth an index."""
    groups = TimestepGroups.of(torch.rand(1, 48))
    assert groups.members is None and groups.count == 48


@pytest.mark.parametrize(
    "values", [labels((1, 20), (0, 40)), labels((0, 60)), labels((1, 7), (0.5, 53)), torch.rand(1, 60)]
)
def test_rows_meet_their_tokens(values: Any) -> None:
    """Modulation and gating by rows equal the same with a vector per token."""
    torch.manual_seed(0)
    times = values.expand(2, -1) * torch.tensor([[1.0], [0.5]])
    groups = TimestepGroups.of(times)
    normed, update = torch.randn(2, 2, 60, 4)
    weights = torch.randn(3, 4)
    rows = groups.rows(times)[..., None, None] * weights
    shift, scale, gate = for_tokens(rows, groups.flat(2), 60)
    each = (times[..., None, None] * weights).unbind(2)
    torch.testing.assert_close(modulate(normed, shift, scale), normed * each[1] + each[0])
    torch.testing.assert_close(add_gated(normed, update, gate), normed + each[2] * update)


@torch.no_grad()
def test_groups_are_found_without_being_told(model_of: Any, inputs_of: Any) -> None:
    """A step with few distinct timesteps makes few rows of conditioning, and the velocity of a row per token."""
    model, inputs = model_of("T1"), inputs_of("T1", batch=3)
    times = inputs.timesteps[:, :1].repeat(1, 60)
    times[:, :20] = 0
    seen = []
    model.adaln_single.register_forward_hook(lambda module, arguments, out: seen.append(out.embedded.shape[1]))
    cache = model.prepare(inputs.coordinates, inputs.context, inputs.mask)
    found = model.denoise(inputs.tokens, times, cache)
    every = TimestepGroups(torch.arange(60)[None], None)
    cache = model.prepare(inputs.coordinates, inputs.context, inputs.mask, groups=every)
    torch.testing.assert_close(found, model.denoise(inputs.tokens, times, cache), atol=1e-6, rtol=1e-5)
    assert seen == [3, 60]


@torch.no_grad()
def test_a_lora_on_a_projection_is_heard_after_preparing(model_of: Any, inputs_of: Any) -> None:
    """Queries and keys are projected together only while the projections are bare."""

    class Louder(torch.nn.Linear):
        def forward(self, vectors):
            return 2 * super().forward(vectors)

    model, inputs = model_of("T1"), inputs_of("T1", batch=1)
    cache = model.prepare(inputs.coordinates, inputs.context, inputs.mask)
    bare = model.denoise(inputs.tokens, inputs.timesteps, cache)
    for block in model.transformer_blocks:
        bias = Louder(32, 32)
        bias.load_state_dict(block.attn1.to_q.state_dict())
        with torch.no_grad():
            bias.bias += 1
        block.attn1.to_q = bias
    assert isinstance(model, VideoTransformer)
    changed = model.denoise(inputs.tokens, inputs.timesteps, cache)
    expected = model(inputs.tokens, inputs.timesteps, inputs.coordinates, inputs.context, inputs.mask)
    assert not torch.allclose(bare, changed, atol=1e-3)
    torch.testing.assert_close(changed, expected, atol=1e-6, rtol=1e-5)
