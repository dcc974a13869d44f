"""Rows of conditioning, masks, groups and sizes at their edges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from ltx.transformer import SkipLayers, SkipMode, TimestepGroups, TransformerConfig, VideoTransformer
from ltx.transformer.block import TransformerBlock
from ltx.transformer.cache import attention_bias, compact
from ltx.transformer.conditioning import StepConditioning
from ltx.transformer.embedding import sinusoid
from ltx.transformer.perturb import take_rows
from ltx.transformer.rope import rotate


@pytest.mark.parametrize(("batch", "rows", "stacked"), [(16, 4, True), (4, 16, True), (13, 5, False), (1, 65, False)])
def test_tables_are_added_at_once_for_few_rows(batch: int, rows: int, stacked: bool) -> None:
    """Up to 64 rows over the batch: each the table of a block and the part of the timestep."""
    embedded, modulation = torch.zeros(batch, rows, 2), torch.ones(batch, rows, 6, 2)
    found = StepConditioning.of(embedded, modulation, torch.arange(3.0).view(3, 1, 1).expand(3, 6, 2), None)
    assert (found.summed is not None) == stacked
    if found.summed is not None:
        assert found.summed[:, 0, 0, 0, 0].tolist() == [1, 2, 3]
    assert StepConditioning.of(embedded, modulation, None, None).summed is None


@pytest.mark.parametrize(
    ("labels", "first", "members"),
    [
        # Stretches of eight are worth it without an index; shorter ones with one, from eight tokens a group on.
        ([1] * 8 + [0] * 8, [0, 8], False),
        ([1] * 4 + [0] * 12, [4, 0], True),
        ([1] * 4 + [0] * 11, list(range(15)), False),
        ([1] * 16 + [0] * 8, [0, 8, 16], False),
    ],
)
def test_groups_that_are_worth_it(labels: list[int], first: list[int], members: bool) -> None:
    """Else there is a row for each token."""
    groups = TimestepGroups.of(torch.tensor([labels]))
    assert groups.first.tolist() == [first] and (groups.members is not None) == members


def test_compiled_rotation_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Written out for compilers, the product is that of complex numbers."""
    torch.manual_seed(0)
    vectors, angles = torch.randn(1, 3, 8), torch.rand(1, 3, 4)
    table = torch.stack((angles.cos(), angles.sin()), dim=-1)
    eager = rotate(vectors, table)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(rotate(vectors, table), eager)


def test_text_that_nobody_keeps_is_dropped() -> None:
    """And the mask where all is kept; nothing where a row keeps none."""
    context = torch.arange(6.0).view(2, 3, 1)
    kept, mask = compact(context, torch.tensor([[True, False, True], [True, False, True]]))
    assert kept.flatten().tolist() == [0, 2, 3, 5] and mask is None
    kept, mask = compact(context, torch.tensor([[True, False, True], [False, False, True]]))
    assert kept.shape == (2, 2, 1) and mask is not None and mask.tolist() == [[True, True], [False, True]]
    kept, mask = compact(context, torch.tensor([[True, True, True], [False, False, False]]))
    assert kept.shape == (2, 3, 1) and mask is not None
    assert compact(context, None) == (context, None) and attention_bias(None, torch.float32) is None
    bias = attention_bias(torch.tensor([[True, False]]), torch.float32)
    assert bias is not None and bias.flatten().tolist() == [0, -10_000]


@pytest.mark.parametrize(("rows", "view"), [((1, 2), True), ((0, 2), False), ((2, 1), False), ((2,), True)])
def test_consecutive_rows_are_views(rows: tuple[int, ...], view: bool) -> None:
    """Others are copies, in their order; one row serves any."""
    tensor = torch.arange(8.0).view(4, 2)
    taken = take_rows(tensor, rows)
    assert torch.equal(taken, tensor[list(rows)])
    assert (taken.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr()) == view
    assert take_rows(tensor, None) is tensor and take_rows(tensor[:1], rows).shape == (1, 2)


@pytest.mark.parametrize("rows", [None, (0,), (0, 1)])
def test_rows_of_a_perturbation(rows: tuple[int, ...] | None) -> None:
    """All of them are no mask; blocks and rows count from 0 to one below their number."""
    skip = SkipLayers((0, 3), SkipMode.RESIDUAL, rows)
    skip.check(layers=4, batch=2)
    mask = skip.mask(2, torch.device("cpu"))
    assert (mask is None) == (rows != (0,)) and skip.first == 0
    with pytest.raises(ValueError, match="below 3"):
        skip.check(layers=3, batch=2)
    for numbers in ((), (-1,), (1, 1)):
        with pytest.raises(ValueError, match="expected distinct rows ≥ 0"):
            SkipLayers((0,), rows=numbers)


@pytest.mark.parametrize(
    ("heads", "width", "fits"), [(1, 6, True), (2, 3, True), (1, 4, False), (1, 7, False), (2, 2, False)]
)
def test_widths_have_room_for_three_axes(heads: int, width: int, fits: bool) -> None:
    """Even, and at least 6."""
    change = {"num_attention_heads": heads, "attention_head_dim": width, "cross_attention_dim": heads * width}
    if fits:
        replace(TransformerConfig.ltx_13b(), **change)
    else:
        with pytest.raises(ValueError, match=f"even width of at least 6 .*got {heads * width}"):
            replace(TransformerConfig.ltx_13b(), **change)


def test_released_widths() -> None:
    """32 heads of 64 or 128."""
    small = TransformerConfig.ltx_2b(causal_temporal_positioning=True)
    assert (small.cross_attention_dim, small.attention_head_dim) == (2048, 64)
    assert TransformerConfig.ltx_13b().cross_attention_dim == 4096


def test_waves_of_a_timestep() -> None:
    """Cosines, then sines, of t · 10000^(−i/128)."""
    waves = sinusoid(torch.tensor([[100.0]]))[0, 0]
    step = 10_000 ** (-1 / 128)
    angles = torch.tensor([100.0, 100 * step, 100 * step**64])
    torch.testing.assert_close(waves[[0, 1, 64]], angles.cos(), atol=1e-4, rtol=0)
    torch.testing.assert_close(waves[[128, 129, 192]], angles.sin(), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    "change",
    [
        {"tokens": torch.zeros(2, 8)},
        {"tokens": torch.zeros(2, 4, 7)},
        {"timesteps": torch.zeros(2)},
        {"timesteps": torch.zeros(1, 4)},
        {"timesteps": torch.zeros(2, 3)},
        {"coordinates": torch.zeros(3, 3, 4)},
        {"coordinates": torch.zeros(1, 3, 5)},
        {"context": torch.zeros(3, 16)},
        {"context": torch.zeros(3, 7, 16)},
        {"mask": torch.ones(2, 7)},
        {"mask": torch.ones(1, 7, dtype=torch.bool)},
    ],
    ids=lambda change: "-".join([*change, *(str(tuple(value.shape)) for value in change.values())]),
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], model_of: Any) -> None:
    """Axes, batches, lengths and types, one at a time; one row of places or of text serves all."""
    given = {
        "tokens": torch.zeros(2, 4, 8),
        "timesteps": torch.zeros(2, 4),
        "coordinates": torch.zeros(1, 3, 4),
        "context": torch.zeros(2, 7, 16),
        "mask": torch.ones(2, 7, dtype=torch.bool),
    }
    model = model_of("T1", num_layers=1)
    if "context" in change:
        given["mask"] = torch.ones(change["context"].shape[0], 7, dtype=torch.bool)
    with torch.no_grad(), pytest.raises(ValueError, match="expected"):
        model(*{**given, **change}.values())


def test_tables_start_small() -> None:
    """Normal with a deviation of 1 / √width."""
    torch.manual_seed(0)
    block = TransformerBlock(width=256, heads=2, norm_eps=1e-6)
    assert block.scale_shift_table.std().item() == pytest.approx(1 / 16, rel=0.1)
    sizes = {"num_layers": 1, "num_attention_heads": 2, "attention_head_dim": 128, "cross_attention_dim": 256}
    small = {"in_channels": 1, "out_channels": 1, "caption_channels": 1}
    model = VideoTransformer(replace(TransformerConfig.ltx_13b(), **sizes, **small))
    assert model.scale_shift_table.std().item() == pytest.approx(1 / 16, rel=0.15)


@pytest.mark.parametrize(("asked", "recorded", "count"), [(True, True, 2), (True, False, 0), (False, True, 0)])
def test_blocks_are_recomputed_only_for_gradients(
    asked: bool, recorded: bool, count: int, model_of: Any, inputs_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is asked for and there will be a backward pass."""
    calls: list[Any] = []

    def run(block: Any, *inputs: Any, use_reentrant: bool) -> Any:
        calls.append(use_reentrant)
        return block(*inputs)

    monkeypatch.setattr("ltx.transformer.model.checkpoint", run)
    model, inputs = model_of("T1"), inputs_of("T1", batch=1)
    model.gradient_checkpointing = asked
    with torch.set_grad_enabled(recorded):
        model(inputs.tokens, inputs.timesteps, inputs.coordinates, inputs.context, inputs.mask)
    assert calls == [False] * count


def test_six_vectors_hold_one_and_two_scales(model_of: Any) -> None:
    """Shift, 1 + scale and gate, twice; in float32 where a few rows stand for many tokens."""
    adaln = model_of("T1").adaln_single.bfloat16()
    times = torch.tensor([[250.0]])
    with torch.no_grad():
        embedded, precise = adaln(times, precise=True)
        raw = adaln.linear(torch.nn.functional.silu(embedded)).unflatten(-1, (6, -1)).float()
        plain = adaln(times, precise=False).modulation
    assert precise.dtype is torch.float32 and plain.dtype is torch.bfloat16
    ones = torch.tensor([0.0, 1, 0, 0, 1, 0])[:, None]
    torch.testing.assert_close(precise, raw + ones)
