"""A low-rank update that has moved is heard by whoever asks for a velocity: training, sampling, guidance."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn

from adapters import LoRAConfig
from adapters.lora import SIZES, LowRankUpdates
from ltx.lora import LoRA, LowRank, UpdatedLinear, attach, attached, detach, extract, merge
from ltx.transformer import SkipLayers, VideoTransformer
from tests.small import transformer_config

WIDTH, BLOCKS, RANK, STRONG = 12, 2, 2, 4.0
REST = ("patchify_proj", "adaln_single.linear", "caption_projection.linear_2", "proj_out")
"""Layers outside the blocks, which files update and adapters do not."""
WAYS = ("attached", "adapter", "attached and adapter", "merged", "merged and adapter")
CASES = [(target, way) for target in SIZES for way in WAYS] + [
    (target, way) for target in REST for way in ("attached", "merged")
]


def transformer(dtype: torch.dtype = torch.float32) -> VideoTransformer:
    """Two blocks of width 12, the same at every call."""
    torch.manual_seed(2)
    config = transformer_config(
        channels=4,
        num_layers=BLOCKS,
        num_attention_heads=2,
        attention_head_dim=6,
        caption_channels=10,
        positional_embedding_max_pos=(4.0, 64.0, 64.0),
    )
    return VideoTransformer(config).eval().to(dtype)


def lent(target: str, dtype: torch.dtype = torch.float32) -> LowRankUpdates:
    """An adapter's updates of one layer of every block, moved from zero."""
    torch.manual_seed(3)
    updates = LowRankUpdates(LoRAConfig(RANK, (target,), BLOCKS, WIDTH))
    for _, update in updates.named_updates():
        nn.init.normal_(update.lora_B.weight, std=STRONG)
    return updates.to(dtype)


def of_file(model: VideoTransformer, target: str) -> LoRA:
    """Updates of the layers with this name, at a scale that is not 1."""
    generator = torch.Generator().manual_seed(4)
    updates = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and (name == target or name.endswith(f".{target}")):
            down = torch.randn(RANK, module.in_features, generator=generator)
            updates[name] = LowRank(down, STRONG * torch.randn(module.out_features, RANK, generator=generator), 3.0)
    return LoRA(updates)


@contextmanager
def with_lora(model: VideoTransformer, target: str, way: str) -> Iterator[None]:
    """The model while it computes with a LoRA."""
    merged = merge(model, of_file(model, target)) if "merged" in way else None
    if "attached" in way:
        attach(model, of_file(model, target))
    borrowed = lent(target, model.proj_out.weight.dtype) if "adapter" in way else None
    if borrowed is not None:
        borrowed.attach(model)
    yield
    if borrowed is not None:
        borrowed.detach()
    if "attached" in way:
        detach(model)
    if merged is not None:
        merged.undo()


def inputs(dtype: torch.dtype = torch.float32) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]:
    """Tokens and times of a step, and what the steps share."""
    generator = torch.Generator().manual_seed(5)
    tokens, times = torch.randn(2, 4, 4, generator=generator), torch.rand(2, 4, generator=generator)
    places, text = 30 * torch.rand(2, 3, 4, generator=generator), 5 * torch.randn(2, 3, 10, generator=generator)
    mask = torch.tensor([[True, True, True], [True, True, False]])
    return (tokens.to(dtype), times), (places, text.to(dtype), mask)


def trained(model: VideoTransformer) -> Tensor:
    """The velocity with gradients, as training asks for it."""
    noisy, rest = inputs(model.proj_out.weight.dtype)
    velocity: Tensor = model(*noisy, *rest)
    return velocity


@torch.no_grad()
def sampled(model: VideoTransformer) -> Tensor:
    """The velocity of a prepared run, as sampling asks for it."""
    noisy, rest = inputs(model.proj_out.weight.dtype)
    return model.denoise(*noisy, model.prepare(*rest))


@pytest.mark.parametrize("recompute", [False, True], ids=["kept", "recomputed"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize(("target", "way"), CASES)
def test_sampling_hears_what_training_hears(target: str, way: str, dtype: torch.dtype, recompute: bool) -> None:
    """The prepared velocity is the plain one under a LoRA that moved, on every layer, however it was put on.

    And so is the one of guidance with perturbed blocks. Taken off, the velocity is what it was, bit for bit.
    """
    model = transformer(dtype)
    model.gradient_checkpointing = recompute
    before, alone = trained(model).detach(), sampled(model)
    with with_lora(model, target, way):
        heard, prepared = trained(model).detach(), sampled(model)
        noisy, rest = inputs(dtype)
        with torch.no_grad():
            guided, _ = model.denoise_both(*noisy, model.prepare(*rest), SkipLayers((1,)))
    moved, size = (heard - before).float().norm(), heard.float().norm()
    # A few roundings of the type. What is heard differs by many times that, so a LoRA left out cannot hide.
    allowed = (1e-5 if dtype == torch.float32 else 5e-3) * size
    assert moved > 5 * allowed
    assert (prepared - heard).float().norm() <= allowed
    assert (guided - heard).float().norm() <= allowed
    assert torch.equal(trained(model), before) and torch.equal(sampled(model), alone)


@pytest.mark.parametrize("target", SIZES)
def test_recomputing_gives_the_same_gradients(target: str) -> None:
    """Both factors of an adapter's updates, attached beside a file's, train alike with activations made again."""
    found = []
    for recompute in (False, True):
        model = transformer()
        model.gradient_checkpointing = recompute
        updates = lent(target)
        updates.attach(model)
        attach(model, of_file(model, target))
        trained(model).square().sum().backward()
        gradients = [parameter.grad for parameter in updates.parameters()]
        found.append([gradient for gradient in gradients if gradient is not None and bool(gradient.any())])
    assert len(found[0]) == len(found[1]) == 2 * BLOCKS
    assert all(torch.allclose(one, other, rtol=1e-5, atol=1e-6) for one, other in zip(*found, strict=True))


@pytest.mark.parametrize("target", ["attn1.to_q", "attn1.to_k"])
def test_whoever_listens_to_a_projection_is_heard_when_sampling(target: str) -> None:
    """A forward hook, or a `forward` of the layer's own as other tools set it, is not passed over."""
    model, noisy = transformer(), inputs()
    for layer in (block.get_submodule(target) for block in model.transformer_blocks):
        layer.register_forward_hook(lambda module, given, output: 2 * output + 1)
    assert torch.allclose(sampled(model), trained(model), atol=1e-5)
    other = transformer()
    for layer in (block.get_submodule(target) for block in other.transformer_blocks):
        layer.forward = lambda given, plain=layer.forward: 2 * plain(given) + 1  # type: ignore[method-assign]
    assert torch.equal(sampled(other), sampled(model)) and not torch.allclose(sampled(other), sampled(transformer()))
    assert noisy[0][0].shape == trained(other).shape


def test_lent_updates_stay_their_owners() -> None:
    """The model's keys and parameters are the same while an adapter lends it updates; they can be read off it."""
    model, updates = transformer(), lent("ff.net.2")
    keys, parameters = list(model.state_dict()), list(model.parameters())
    layer = model.get_submodule("transformer_blocks.0.ff.net.2")
    updates.attach(model)
    assert list(model.state_dict()) == keys
    assert all(one is other for one, other in zip(model.parameters(), parameters, strict=True))
    assert attached(model) == ("adapter",) and len(extract(model, name="adapter").updates) == BLOCKS
    model.to(torch.bfloat16).to(torch.float32)
    assert isinstance(model.get_submodule("transformer_blocks.0.ff.net.2"), UpdatedLinear)
    updates.detach()
    updates.detach()
    assert model.get_submodule("transformer_blocks.0.ff.net.2") is layer and attached(model) == ()


def test_two_adapters_do_not_add_up_in_silence() -> None:
    """Updates of a second adapter are refused while the first one's are on; a copy is attached to nothing."""
    model, first = transformer(), lent("attn1.to_q")
    first.attach(model)
    with pytest.raises(ValueError, match="detach"):
        lent("attn2.to_q").attach(model)
    duplicate = copy.deepcopy(first)
    other = transformer()
    duplicate.attach(other)
    assert torch.equal(sampled(other), sampled(model))
    first.detach()
    assert not torch.equal(sampled(other), sampled(model))
