"""Every adapter kind: gradients, files, refusals, and the invariances they promise."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from adapters import (
    ComposeConfig,
    ContextTokens,
    ICLoRAConfig,
    LatentConfig,
    LinearConfig,
    LoRAConfig,
    MLPConfig,
    ModelPair,
    QueriesConfig,
    ReferenceChanges,
    VLMFeatures,
    build_adapter,
    config_from_dict,
    config_to_dict,
    load_adapter,
    save_adapter,
)
from adapters.rotary import SharedRotary
from ltx.lora import read_lora
from ltx.transformer import VideoTransformer
from tests.small import transformer_config

EXTENT = (4.0, 64.0, 64.0)
PAIRING = ModelPair("small-qwen", 12, 6, (0, 2), "small-ltx", 4, 10)
LINEAR = LinearConfig(PAIRING, (0.5, 16.0, 16.0))
MLP = MLPConfig(PAIRING, (0.5, 16.0, 16.0), 8)
LATENT = LatentConfig(PAIRING, 16, 2, 1, EXTENT, True)
QUERIES = QueriesConfig(PAIRING, 16, 2, 1, EXTENT, 3, "add")
IC_LORA = ICLoRAConfig(PAIRING, 16, 2, 1, EXTENT, 0.0, LoRAConfig(2, ("attn1.to_q", "ff.net.0.proj"), 2, 12))
KINDS = {
    "linear": LINEAR,
    "mlp": MLP,
    "latent": LATENT,
    "queries": QUERIES,
    "ic_lora": IC_LORA,
    "compose": ComposeConfig((LATENT, QUERIES)),
}


def features(batch=2):
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.rand(*shape, generator=generator)

    vision = torch.tensor([[False, True, True, True, False]]).expand(batch, 5)
    return VLMFeatures(
        tokens=draw(batch, 2, 5, 12) * 10 - 5,
        mask=torch.ones(batch, 5, dtype=torch.bool),
        vision=vision,
        coordinates=draw(batch, 3, 5) * torch.tensor([1.0, 64, 64])[:, None] * vision[:, None],
        patches=draw(batch, 4, 6),
        patch_coordinates=draw(batch, 3, 4) * torch.tensor([1.0, 64, 64])[:, None],
    )


def targets(batch=2):
    places = torch.tensor([[1.0, 1.0, 2.0, 2.0], [0.0, 32.0, 0.0, 32.0], [0.0, 0.0, 32.0, 32.0]])
    return places.expand(batch, 3, 4)


def made(config, noise=0.1):
    torch.manual_seed(1)
    adapter = build_adapter(config).eval()
    with torch.no_grad():
        for parameter in adapter.parameters():
            parameter.add_(noise * torch.randn_like(parameter))
    return adapter


def outputs(conditioning):
    found = []
    if conditioning.forecast is not None:
        found.append(conditioning.forecast.latents)
        if conditioning.forecast.log_variance is not None:
            found.append(conditioning.forecast.log_variance)
    if conditioning.context is not None:
        found.append(conditioning.context.tokens)
    if conditioning.reference is not None:
        found.append(conditioning.reference.changes)
    return found


def transformer():
    torch.manual_seed(2)
    config = transformer_config(
        channels=4,
        num_attention_heads=2,
        attention_head_dim=6,
        caption_channels=10,
        positional_embedding_max_pos=(4.0, 64.0, 64.0),
    )
    return VideoTransformer(config).eval()


def run(model, text, mask):
    torch.manual_seed(3)
    return model(torch.randn(2, 4, 4), torch.rand(2, 4), targets(), text, mask)


@pytest.mark.parametrize("kind", KINDS)
def test_it_gives_what_it_provides(kind: Any) -> None:
    """The declared kinds of output are there, finite, and no other."""
    adapter = made(KINDS[kind])
    conditioning = adapter(features(), targets())
    given = {name for name in ("forecast", "context", "reference") if getattr(conditioning, name) is not None}
    assert given == adapter.provides
    assert all(bool(output.isfinite().all()) and len(output) == 2 for output in outputs(conditioning))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "ic_lora"])
def test_a_gradient_reaches_every_parameter(kind: Any) -> None:
    """No weight is idle."""
    adapter = made(KINDS[kind])
    sum(output.square().sum() for output in outputs(adapter(features(), targets()))).backward()
    idle = [name for name, p in adapter.named_parameters() if p.grad is None or not bool(p.grad.any())]
    assert idle == []


def test_a_gradient_reaches_every_low_rank_update() -> None:
    """Through the transformer that they are attached to; its own layers keep their names."""
    adapter, model = made(IC_LORA), transformer()
    names = list(model.state_dict())
    adapter.attach(model)
    reference = adapter(features(), targets()).reference
    run(model, torch.ones(2, 3, 10), torch.ones(2, 3, dtype=torch.bool)).square().sum().backward()
    reference.changes.square().sum().backward()
    assert [name for name, p in adapter.named_parameters() if p.grad is None] == []
    assert list(model.state_dict()) == names


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_it_is_the_same(kind: Any, tmp_path: Path) -> None:
    """Configuration and outputs survive the folder bit by bit."""
    adapter = made(KINDS[kind])
    save_adapter(adapter, tmp_path)
    loaded = load_adapter(tmp_path)
    assert loaded.config == adapter.config
    assert config_from_dict(config_to_dict(adapter.config)) == adapter.config
    for name, value in adapter.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name])
    for one, two in zip(outputs(adapter(features(), targets())), outputs(loaded(features(), targets())), strict=True):
        assert torch.equal(one, two)
    assert "small-qwen" in (tmp_path / "README.md").read_text()


def test_the_gate_starts_at_zero_and_leaves_the_transformer_bit_identical() -> None:
    """A fresh "add" adapter changes no bit of the velocity."""
    torch.manual_seed(5)
    adapter, model = build_adapter(QUERIES), transformer()
    text, mask = torch.randn(2, 6, 10), torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    context = adapter(features(), targets()).context
    joined, joined_mask = context.join(text, mask)
    assert torch.equal(joined_mask, mask)
    assert torch.equal(run(model, joined, joined_mask), run(model, text, mask))


def test_fresh_low_rank_updates_change_nothing() -> None:
    """B starts at zero; detached, the transformer is as before even after training."""
    torch.manual_seed(5)
    adapter, model = build_adapter(IC_LORA), transformer()
    text, mask = torch.randn(2, 6, 10), torch.ones(2, 6, dtype=torch.bool)
    before = run(model, text, mask)
    adapter.attach(model)
    assert torch.equal(run(model, text, mask), before)
    with pytest.raises(ValueError, match="attached already"):
        adapter.attach(model)
    with torch.no_grad():
        for _, update in adapter.lora.named_updates():
            update.lora_B.weight.fill_(0.5)
    assert not torch.allclose(run(model, text, mask), before)
    adapter.lora.detach()
    assert torch.equal(run(model, text, mask), before)


def test_a_fresh_forecast_is_the_standard_normal() -> None:
    """Mean 0 and log-variance 0, whatever was seen."""
    forecast = build_adapter(LATENT)(features(), targets()).forecast
    assert not forecast.latents.any() and not forecast.log_variance.any()


def test_only_differences_of_place_count() -> None:
    """Moving clip and targets by the same seconds and pixels changes nothing; moving the targets alone does."""
    adapter, seen = made(LATENT), features()
    shift = torch.tensor([0.75, 16.0, -8.0])[:, None]
    moved = replace(
        seen,
        coordinates=seen.coordinates + shift * seen.vision[:, None],
        patch_coordinates=seen.patch_coordinates + shift,
    )
    base = adapter(seen, targets()).forecast.latents
    assert torch.allclose(adapter(moved, targets() + shift).forecast.latents, base, atol=1e-4)
    assert not torch.allclose(adapter(seen, targets() + shift).forecast.latents, base, atol=1e-3)


def test_fresh_reference_tokens_are_the_last_given_latents() -> None:
    """Before the first step each is a copy, told to be clean, of the latest given latent in its place, 8 s later."""
    # Rows 0 and 32 of column 0 at two moments, as in the first frame of the targets.
    places = torch.tensor([[-0.5, -0.5, 0.25, 0.25], [0.0, 32.0, 0.0, 32.0], [0.0, 0.0, 0.0, 0.0]]).expand(2, 3, 4)
    latents = torch.randn(2, 4, 4)
    reference = build_adapter(IC_LORA)(features(), targets()).reference.join(latents, places, 0.0)
    assert reference.timestep == 0.0
    later = torch.tensor([2 * EXTENT[0], 0.0, 0.0])[:, None]
    assert torch.equal(reference.tokens, latents[:, 2:])
    assert torch.equal(reference.coordinates, places[:, :, 2:] + later)


def test_changed_copies_of_noised_latents_are_told_to_be_as_noised() -> None:
    """Changes are added to the copies, which are no cleaner than what they are copies of."""
    changes, latents = torch.randn(1, 1, 4), torch.randn(1, 2, 4)
    places = torch.tensor([[[0.0, 3.0], [0.0, 0.0], [0.0, 32.0]]])
    told = ReferenceChanges(changes, torch.tensor([[[5.0], [0.0], [40.0]]]), 0.0, 0.0)
    reference = told.join(latents, places, 0.3)
    assert torch.equal(reference.tokens, latents[:, 1:] + changes) and reference.timestep == 0.3


def test_rotated_products_depend_on_differences_only() -> None:
    """q(a)·k(b) equals q(a + s)·k(b + s); the last quarter of the channels is never turned."""
    torch.manual_seed(0)
    rotary = SharedRotary(head_dim=16, extent=EXTENT)
    query, key = torch.randn(2, 1, 2, 5, 16)
    a, b = torch.rand(2, 1, 3, 5) * torch.tensor([2.0, 64, 64])[:, None]
    shift = torch.tensor([1.0, 7.0, -3.0])[:, None]

    def products(move):
        turned = rotary.rotate(query, rotary.angles(a + move)), rotary.rotate(key, rotary.angles(b + move))
        return turned[0] @ turned[1].transpose(-1, -2)

    assert torch.allclose(products(0), products(shift), atol=1e-3)
    assert torch.equal(rotary.rotate(query, rotary.angles(a))[..., 12:], query[..., 12:])
    with pytest.raises(ValueError, match="8, 16"):
        SharedRotary(head_dim=12, extent=EXTENT)


def test_padding_is_not_read() -> None:
    """States behind the mask may be anything."""
    seen = features()
    mask = seen.mask.clone()
    mask[:, 4] = False
    tokens = seen.tokens.clone()
    tokens[:, :, 4] = 99.0
    for kind in ("latent", "queries", "linear", "mlp"):
        adapter = made(KINDS[kind])
        one = outputs(adapter(replace(seen, mask=mask), targets()))
        two = outputs(adapter(replace(seen, mask=mask, tokens=tokens), targets()))
        assert all(torch.allclose(x, y, atol=1e-6) for x, y in zip(one, two, strict=True))


@pytest.mark.parametrize("placement", ["add", "append", "replace"])
def test_placements_by_hand(placement: str) -> None:
    """One token of twos meets three words of ones."""
    text, mask = torch.ones(1, 3, 2), torch.tensor([[True, True, False]])
    tokens = ContextTokens(torch.full((1, 1, 2), 2.0), torch.tensor([[True]]), placement)
    joined, joined_mask = tokens.join(text, mask)
    expected = {
        "add": ([3, 1, 1], [True, True, False]),
        "append": ([1, 1, 1, 2], [True, True, False, True]),
        "replace": ([2], [True]),
    }[placement]
    assert joined[0, :, 0].tolist() == expected[0] and joined_mask[0].tolist() == expected[1]
    with pytest.raises(ValueError, match="as wide as"):
        tokens.join(torch.ones(1, 3, 5), mask)


def test_other_models_are_refused_by_name() -> None:
    """The error names both models and each property that differs."""
    other = replace(PAIRING, vlm="Qwen2.5-VL-7B", vlm_hidden_size=3584)
    with pytest.raises(ValueError, match=r"small-qwen to small-ltx.*Qwen2\.5-VL-7B.*vlm hidden size 12, not 3584"):
        PAIRING.require(other)
    seen = features()
    for config in (LINEAR, MLP, LATENT, QUERIES, IC_LORA):
        with pytest.raises(ValueError, match="small-qwen with layers 2, got 1"):
            made(config)(replace(seen, tokens=seen.tokens[:, :1]), targets())


def test_what_cannot_be_composed() -> None:
    """None, two of one kind, or adapters of different models."""
    for parts, said in (
        ((), "at least one"),
        ((LATENT, LINEAR), "forecast"),
        ((LATENT, replace(QUERIES, pairing=replace(PAIRING, ltx="other"))), "cannot join"),
    ):
        with pytest.raises(ValueError, match=said):
            build_adapter(ComposeConfig(parts))


def test_damaged_folders_are_refused(tmp_path: Path) -> None:
    """No adapter, unknown fields, or weights of another."""
    with pytest.raises(ValueError, match="adapter_config"):
        load_adapter(tmp_path)
    save_adapter(made(LATENT), tmp_path / "a")
    save_adapter(made(LINEAR), tmp_path / "b")
    (tmp_path / "a" / "adapter.safetensors").replace(tmp_path / "b" / "adapter.safetensors")
    with pytest.raises(ValueError, match="not this adapter"):
        load_adapter(tmp_path / "b")
    for values in ({"type": "other"}, {"type": "linear"}, {**config_to_dict(LINEAR), "more": 1}):
        with pytest.raises(ValueError, match="expected"):
            config_from_dict(values)


@pytest.mark.parametrize("file", ["adapter.safetensors", "pytorch_lora_weights.safetensors"])
def test_weights_that_are_not_finite_are_refused(file: str, tmp_path: Path) -> None:
    """One infinity in the adapter's weights or its LoRA is named when it is loaded."""
    save_adapter(made(IC_LORA), tmp_path)
    tensors = load_file(tmp_path / file)
    name = min(tensors)
    tensors[name].view(-1)[0] = torch.inf
    save_file(tensors, tmp_path / file)
    with pytest.raises(ValueError, match=rf"NaN or infinite values in .*{re.escape(name)}"):
        load_adapter(tmp_path)


def test_the_lora_of_an_adapter_says_its_strength(tmp_path: Path) -> None:
    """Read as any LoRA it has the scale that it was trained with, and no word is needed on it."""
    adapter = made(IC_LORA)
    save_adapter(adapter, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lora = read_lora(tmp_path / "pytorch_lora_weights.safetensors")
    assert {update.alpha / update.rank for update in lora.updates.values()} == {1.0}


def test_a_lora_of_another_transformer_is_refused() -> None:
    """Three blocks, or another width, do not fit."""
    for lora in (replace(IC_LORA.lora, blocks=3), replace(IC_LORA.lora, width=16)):
        with pytest.raises(ValueError, match=r"transformer of 3 blocks|another size"):
            build_adapter(replace(IC_LORA, lora=lora)).attach(transformer())
    with pytest.raises(ValueError, match="LoRA targets"):
        replace(IC_LORA.lora, targets=("attn3.to_q",))
