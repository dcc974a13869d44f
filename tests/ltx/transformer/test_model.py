"""What `denoise`, `denoise_both`, groups and skips promise, by hand and against plain forwards."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from ltx.shapes import LatentShape
from ltx.transformer import SkipLayers, SkipMode, TimestepGroups, VideoTransformer


def prepared(model, inputs, **options):
    return model.prepare(inputs.coordinates, inputs.context, inputs.mask, **options)


def forward(model, inputs, **options):
    return model(inputs.tokens, inputs.timesteps, inputs.coordinates, inputs.context, inputs.mask, **options)


@torch.no_grad()
def test_cached_denoising_is_the_forward(model_of: Any, inputs_of: Any) -> None:
    """What is kept between steps changes nothing: denoise(prepare) equals forward at every time."""
    model, inputs = model_of("T1"), inputs_of("T1", batch=3)
    cache = prepared(model, inputs)
    for times in (inputs.timesteps, inputs.timesteps[:, :1]):
        plain = model(inputs.tokens, times, inputs.coordinates, inputs.context, inputs.mask)
        torch.testing.assert_close(model.denoise(inputs.tokens, times, cache), plain, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_masked_text_is_without_effect(model_of: Any, inputs_of: Any) -> None:
    """Text that the mask leaves out does not matter, with and without a cache."""
    model, inputs = model_of("T1"), inputs_of("T1", batch=3)
    other = torch.where(inputs.mask[..., None], inputs.context, 100.0)
    plain = forward(model, inputs)
    changed = model(inputs.tokens, inputs.timesteps, inputs.coordinates, other, inputs.mask)
    torch.testing.assert_close(changed, plain, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_rows_are_independent(model_of: Any, inputs_of: Any) -> None:
    """A row of a batch gets the velocity that it gets alone."""
    model, inputs = model_of("T5"), inputs_of("T5", batch=3)
    batch = forward(model, inputs)
    alone = model(
        inputs.tokens[1:2], inputs.timesteps[1:2], inputs.coordinates[1:2], inputs.context[1:2], inputs.mask[1:2]
    )
    torch.testing.assert_close(batch[1:2], alone, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_known_groups_change_nothing(model_of: Any, inputs_of: Any) -> None:
    """Telling which tokens share a time only spares work, also where a row lacks a group."""
    model, inputs = model_of("T1"), inputs_of("T1", batch=3)
    given = torch.zeros(3, 60)
    given[0, :20], given[2, :40] = 1.0, 0.6
    times = (1 - given).clamp(max=0.7)
    groups = TimestepGroups.of(given)
    assert groups.count == 3
    plain = model.denoise(inputs.tokens, times, prepared(model, inputs))
    grouped = model.denoise(inputs.tokens, times, prepared(model, inputs, groups=groups))
    torch.testing.assert_close(grouped, plain, atol=1e-6, rtol=1e-5)
    direct = model(inputs.tokens, times, inputs.coordinates, inputs.context, inputs.mask, groups=groups)
    torch.testing.assert_close(direct, plain, atol=1e-6, rtol=1e-5)


def test_gradient_checkpointing_changes_nothing(model_of: Any, inputs_of: Any) -> None:
    """Recomputed blocks give the same velocity and the same gradients."""
    inputs, gradients, outputs = inputs_of("T1", batch=3), [], []
    for recompute in (False, True):
        model = model_of("T1")
        model.gradient_checkpointing = recompute
        outputs.append(forward(model, inputs))
        outputs[-1].square().sum().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    torch.testing.assert_close(outputs[1], outputs[0])
    torch.testing.assert_close(gradients[1], gradients[0])


@torch.no_grad()
@pytest.mark.parametrize("mode", list(SkipMode))
def test_only_the_named_rows_are_perturbed(mode: Any, model_of: Any, inputs_of: Any) -> None:
    """The named rows equal a forward that perturbs all, the others one that perturbs none."""
    model, inputs = model_of("T1"), inputs_of("T1", batch=3)
    cache = prepared(model, inputs)
    plain = model.denoise(inputs.tokens, inputs.timesteps, cache)
    everyone = model.denoise(inputs.tokens, inputs.timesteps, cache, SkipLayers((1,), mode))
    some = model.denoise(inputs.tokens, inputs.timesteps, cache, SkipLayers((1,), mode, rows=(0, 2)))
    torch.testing.assert_close(some[[0, 2]], everyone[[0, 2]], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(some[1], plain[1], atol=1e-6, rtol=1e-5)
    assert torch.equal(everyone, plain) == (mode is SkipMode.RESIDUAL)


@torch.no_grad()
def test_a_skipped_block_is_as_if_it_were_not_there(model_of: Any, inputs_of: Any) -> None:
    """Leaving block 1 of 2 out equals a model of block 0 alone."""
    model, inputs = model_of("T1"), inputs_of("T1", batch=1)
    shorter = VideoTransformer(model_of("T1", num_layers=1).config).eval()
    kept = {key: value for key, value in model.state_dict().items() if not key.startswith("transformer_blocks.1.")}
    shorter.load_state_dict(kept)
    skip = SkipLayers((1,), "stg_t")
    skipped = model.denoise(inputs.tokens, inputs.timesteps, prepared(model, inputs), skip)
    torch.testing.assert_close(skipped, forward(shorter, inputs))


@torch.no_grad()
@pytest.mark.parametrize("mode", [SkipMode.ATTENTION_VALUES, SkipMode.ATTENTION_SKIP])
def test_replaced_attention_by_hand(mode: Any, model_of: Any, inputs_of: Any) -> None:
    """What the output projection gets is the value projection, or the modulated norm, of the same token."""
    model, inputs = model_of("T3"), inputs_of("T3", batch=1)
    attention = model.transformer_blocks[0].attn1
    seen = {}
    hooks = [
        attention.to_v.register_forward_hook(lambda _, args, out: seen.update(inputs=args[0], values=out)),
        attention.to_out.register_forward_pre_hook(lambda _, args: seen.update(projected=args[0])),
    ]
    model.denoise(inputs.tokens, inputs.timesteps, prepared(model, inputs), SkipLayers((0,), mode))
    for hook in hooks:
        hook.remove()
    stream = model.patchify_proj(inputs.tokens)
    embedded = model.adaln_single.emb(1000 * inputs.timesteps)
    vectors = model.adaln_single.linear(F.silu(embedded)).unflatten(-1, (6, -1))
    shift, scale = (vectors + model.transformer_blocks[0].scale_shift_table)[:, :, :2].unbind(2)
    modulated = stream / (stream.square().mean(-1, keepdim=True) + 1e-6).sqrt() * (1 + scale) + shift
    expected = modulated if mode is SkipMode.ATTENTION_SKIP else attention.to_v(modulated)
    torch.testing.assert_close(seen["projected"], expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("rows", [None, (2,), (0, 2)])
@pytest.mark.parametrize("mode", [SkipMode.ATTENTION_VALUES, SkipMode.TRANSFORMER_BLOCK])
def test_shared_blocks_change_nothing(mode: Any, rows: Any, model_of: Any, inputs_of: Any) -> None:
    """Running the blocks before the perturbed one once gives what two separate forwards give."""
    model, inputs = model_of("T1", num_layers=3), inputs_of("T1", batch=3)
    groups = TimestepGroups.of((inputs.timesteps > 0.5).float())
    times = torch.where(inputs.timesteps > 0.5, 0.9, 0.2)
    for cache in (prepared(model, inputs), prepared(model, inputs, groups=groups)):
        plain, perturbed = model.denoise_both(inputs.tokens, times, cache, SkipLayers((1, 2), mode, rows))
        every = model.denoise(inputs.tokens, times, cache, SkipLayers((1, 2), mode))
        torch.testing.assert_close(plain, model.denoise(inputs.tokens, times, cache), atol=1e-6, rtol=1e-5)
        chosen = every if rows is None else every[list(rows)]
        torch.testing.assert_close(perturbed, chosen, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SkipLayers(()), "distinct blocks"),
        (lambda: SkipLayers((-1,)), "distinct blocks"),
        (lambda: SkipLayers((1,), rows=(0, 0)), "distinct rows"),
        (lambda: SkipLayers((1,), "stg_x"), "stg_x"),
        (lambda: SkipLayers((28,)).check(layers=28, batch=1), "below 28"),
        (lambda: SkipLayers((1,), rows=(2,)).check(layers=28, batch=2), "below 2"),
    ],
)
def test_impossible_skips_are_refused(make: Any, message: str) -> None:
    """Blocks and rows that do not exist, and unknown modes, raise with the offender."""
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("field", "cut", "message"),
    [
        ("tokens", (slice(None), slice(None), slice(7)), "tokens"),
        ("timesteps", (slice(None), slice(30)), "timesteps"),
        ("coordinates", (slice(None), slice(None), slice(30)), "coordinates"),
        ("context", (slice(None), slice(None), slice(9)), "context"),
        ("mask", (slice(None), slice(5)), "mask"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(field: str, cut: Any, message: str, model_of: Any, inputs_of: Any) -> None:
    """Every argument of a wrong size is named in the error."""
    model, inputs = model_of("T1"), inputs_of("T1", batch=2)
    arguments = {name: getattr(inputs, name) for name in ("tokens", "timesteps", "coordinates", "context", "mask")}
    arguments[field] = arguments[field][cut]
    with pytest.raises(ValueError, match=message):
        model(*arguments.values())


@torch.no_grad()
def test_work_is_that_of_the_formula(config_of: Any) -> None:
    """2B: nl·(28Nd² + 4N²d + 4Ld² + 4NLd) + 4N·128·d + 2L(4096d + d²) plus the timestep's MLP, to the last digit."""
    tokens, length, width, layers = 384, 128, 2048, 28
    with torch.device("meta"):
        config = config_of(
            "T1",
            in_channels=128,
            out_channels=128,
            num_layers=layers,
            num_attention_heads=32,
            attention_head_dim=64,
            cross_attention_dim=width,
            caption_channels=4096,
        )
        model = VideoTransformer(config)
        arguments = (torch.empty(1, tokens, 128), torch.empty(1, 1), torch.empty(1, length, 4096))
    grid = torch.zeros(1, 3, LatentShape(4, 8, 12).tokens, device="meta")
    model._rotation = lambda _: torch.empty(1, tokens, width // 2, 2, device="meta")
    with FlopCounterMode(display=False) as counter:
        model(arguments[0], arguments[1], grid, arguments[2], None)
    n, d = tokens, width
    blocks = layers * (28 * n * d**2 + 4 * n**2 * d + 4 * length * d**2 + 4 * n * length * d)
    ends = 4 * n * 128 * d + 2 * length * (4096 * d + d**2)
    timestep = 2 * (256 * d + d**2 + 6 * d**2)
    assert counter.get_total_flops() == blocks + ends + timestep
