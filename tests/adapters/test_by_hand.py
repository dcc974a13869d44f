"""What adapters compute, by hand: sums, places, pooling, and what they refuse."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from adapters import (
    ComposeConfig,
    Conditioning,
    ContextTokens,
    ICLoRAConfig,
    LatentConfig,
    LatentForecast,
    LinearConfig,
    LoRAConfig,
    ModelPair,
    QueriesConfig,
    ReferenceChanges,
    VLMFeatures,
    build_adapter,
    config_from_dict,
    config_to_dict,
)
from adapters.card import model_card
from adapters.layers import PlacedAttention, PlacedTokens
from adapters.lora import LowRankUpdates
from adapters.reader import FeatureReader, LayerSum, last_token, pool_near, seconds_ahead
from adapters.rotary import SharedRotary

PAIRING = ModelPair("q", 2, 3, (0, 2), "l", 4, 10)
EXTENT = (4.0, 64.0, 64.0)


def features(**changes: torch.Tensor) -> VLMFeatures:
    """A word, two places seen at 1 s and at 2 s, 32 pixels apart, and padding; one patch."""
    places = torch.tensor([[0.0, 1.0, 2.0, 0.0], [0.0, 0.0, 32.0, 0.0], [0.0, 16.0, 16.0, 0.0]])[None]
    given = {
        "tokens": torch.arange(16.0).view(1, 2, 4, 2) + 1,
        "mask": torch.tensor([[True, True, True, False]]),
        "vision": torch.tensor([[False, True, True, False]]),
        "coordinates": places,
        "patches": torch.ones(1, 1, 3),
        "patch_coordinates": torch.tensor([[[3.0], [8.0], [8.0]]]),
    }
    return VLMFeatures(**{**given, **changes})


def test_layers_are_averaged_after_their_norm() -> None:
    """The sum starts as the mean: (1, 1) and (3, 0) normalised are (1, 1) and (√2, 0)."""
    tokens = torch.tensor([[[[1.0, 1.0]], [[3.0, 0.0]]]])
    expected = torch.tensor([[[(1 + 2**0.5) / 2, 0.5]]])
    torch.testing.assert_close(LayerSum(2)(tokens), expected, atol=1e-5, rtol=0)


def test_the_last_token_is_the_last_of_the_prompt() -> None:
    """What is padding behind it does not count."""
    states = torch.arange(8.0).view(1, 4, 2)
    assert last_token(states, features()).tolist() == [[4, 5]]


def test_pooling_weighs_by_distance() -> None:
    """At d = 1 and d = 2 the weights are as e^(−1/2) to e^(−2); words have none."""
    states = torch.tensor([[[100.0], [1.0], [0.0], [100.0]]])
    # 1 s is one bandwidth from 0 s, and 2 s is two.
    target = torch.tensor([[[0.0], [0.0], [16.0]]])
    near, far = math.exp(-0.5), math.exp(-2.0)
    given = features(coordinates=features().coordinates * torch.tensor([1.0, 0.0, 1.0])[:, None])
    pooled = pool_near(states, given, target, (1.0, 16.0, 16.0))
    torch.testing.assert_close(pooled, torch.tensor([[[near / (near + far)]]]))
    # Rows count by their own bandwidth: 32 pixels are two of 16, beside 0 and 1 in time.
    pooled = pool_near(states, features(), torch.tensor([[[1.0], [0.0], [16.0]]]), (1.0, 16.0, 16.0))
    torch.testing.assert_close(pooled, torch.tensor([[[1 / (1 + math.exp(-(1 + 4) / 2))]]]))


def test_seconds_are_counted_from_the_last_thing_seen() -> None:
    """At 2 s; a target at 5 s is 3 ahead, one at 1 s is behind."""
    targets = torch.tensor([[[5.0, 1.0], [0.0, 0.0], [0.0, 0.0]]])
    assert seconds_ahead(features(), targets).flatten().tolist() == [3, -1]


def test_a_memory_holds_the_prompt_and_then_the_patches() -> None:
    """With the places, and which of them mean something."""
    torch.manual_seed(0)
    memory = FeatureReader(pairing=PAIRING, width=8)(features())
    assert memory.states.shape == (1, 5, 8)
    assert memory.mask.tolist() == [[True, True, True, False, True]]
    assert memory.placed.tolist() == [[False, True, True, False, True]]
    assert memory.coordinates[0, 0].tolist() == [0, 1, 2, 0, 3]


def test_frequencies_of_places() -> None:
    """From π / extent to 32 times that, and one alone is the lowest; a turn by hand."""
    rotary = SharedRotary(head_dim=16, extent=(2.0, 64.0, 32.0))
    expected = math.pi / torch.tensor([[2.0], [64.0], [32.0]]) * torch.tensor([1.0, 32.0])
    torch.testing.assert_close(rotary.frequencies, expected)
    single = SharedRotary(head_dim=8, extent=(2.0, 64.0, 32.0))
    torch.testing.assert_close(single.frequencies, expected[:, :1])
    angles = single.angles(torch.tensor([[[1.0], [32.0], [32.0]]]))
    torch.testing.assert_close(angles.flatten(), torch.tensor([math.pi / 2, math.pi / 2, math.pi]))
    turned = single.rotate(torch.arange(1.0, 9.0).view(1, 1, 1, 8), angles).flatten()
    torch.testing.assert_close(turned, torch.tensor([-2.0, 1, -4, 3, -5, -6, 7, 8]), atol=1e-5, rtol=0)


def test_attending_to_nothing_is_possible() -> None:
    """Without any token a query gathers the learned value, and no NaN; its key has no place."""
    torch.manual_seed(0)
    attention = PlacedAttention(width=16, heads=2, rotary=SharedRotary(head_dim=8, extent=EXTENT))
    torch.nn.init.normal_(attention.nothing)
    none = torch.zeros(1, 1, dtype=torch.bool)
    memory = PlacedTokens(torch.randn(1, 1, 16), none, torch.zeros(1, 3, 1), none)
    expected = attention.out(attention.nothing[1].flatten())
    for place in (0.0, 7.0):
        gathered = attention(torch.randn(1, 1, 16), torch.full((1, 3, 1), place), memory)
        torch.testing.assert_close(gathered.flatten(), expected)
    with pytest.raises(ValueError, match="divisible by 3 heads, got 16"):
        PlacedAttention(width=16, heads=3, rotary=attention.rotary)


def test_only_content_of_what_has_no_place_counts() -> None:
    """A word is heard alike wherever the query is; what is seen is not."""
    torch.manual_seed(0)
    attention = PlacedAttention(width=16, heads=2, rotary=SharedRotary(head_dim=8, extent=EXTENT))
    x, states, here = torch.randn(1, 1, 16), torch.randn(1, 2, 16), torch.ones(1, 2, dtype=torch.bool)
    for placed in (False, True):
        memory = PlacedTokens(states, here, torch.rand(1, 3, 2), here & placed)
        one, two = (attention(x, torch.full((1, 3, 1), place), memory) for place in (0.0, 2.0))
        assert torch.allclose(one, two, atol=1e-6) != placed


def test_places_of_the_latent_grid_by_hand() -> None:
    """Seen from the first thing in each axis, in octaves from half of π on; centres lie 16 pixels in."""
    config = LatentConfig(PAIRING, 16, 2, 1, EXTENT, True)
    adapter: Any = build_adapter(config)
    found: list[torch.Tensor] = []
    adapter.place.register_forward_pre_hook(lambda _, given: found.append(given[0]))
    adapter(features(), torch.tensor([[[3.0], [32.0], [0.0]]]))
    # Time: (3 − 1)/4; rows: (32 + 16 − 0)/64; columns: (0 + 16 − 8)/64.
    relative = torch.tensor([0.5, 0.75, 0.125])
    angles = (relative[:, None] * math.pi / 2 * torch.tensor([1.0, 2, 4, 8, 16, 32])).flatten()
    torch.testing.assert_close(found[0].flatten(), torch.cat([angles.sin(), angles.cos()]), atol=1e-5, rtol=0)


def test_without_geometry_places_do_not_count() -> None:
    """But for what a query knows of its own."""
    torch.manual_seed(0)
    adapter = build_adapter(LatentConfig(PAIRING, 16, 2, 1, EXTENT, False)).eval()
    with torch.no_grad():
        for parameter in adapter.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    target = torch.tensor([[[3.0], [32.0], [0.0]]])
    seen = features()
    moved = replace(seen, coordinates=torch.where(seen.coordinates == 2, 1.5, seen.coordinates))
    one, two = (adapter(given, target).forecast.latents for given in (seen, moved))  # type: ignore[union-attr]
    assert torch.equal(one, two)


def test_queries_start_spread_and_small() -> None:
    """Places step by powers of the plastic number's inverse; states have a deviation of 0.02; the gate is 0 or 1."""
    torch.manual_seed(0)
    config = QueriesConfig(PAIRING, 16, 2, 1, EXTENT, 400, "add")
    adapter: Any = build_adapter(config)
    assert adapter.queries.std().item() == pytest.approx(0.02, rel=0.05)
    steps = [0.8191725, 2 * 0.8191725 - 1, 3 * 0.8191725 - 2]
    torch.testing.assert_close(adapter.places[0, :3], torch.tensor(steps), atol=1e-5, rtol=0)
    assert adapter.places.min() >= 0 and adapter.places.max() < 1
    assert adapter.gate.eq(0).all() and not adapter.replaces_text
    other: Any = build_adapter(replace(config, placement="replace", queries=2))
    assert other.gate.eq(1).all() and other.replaces_text
    with pytest.raises(ValueError, match="placement add, append or replace"):
        build_adapter(replace(config, placement="beside"))  # type: ignore[arg-type]


LORA = LoRAConfig(2, ("attn1.to_q", "ff.net.0.proj", "ff.net.2"), 1, 12)


@pytest.mark.parametrize(("level", "fits"), [(0, True), (1, True), (-0.1, False), (1.1, False)])
def test_levels_of_reference_tokens(level: float, fits: bool) -> None:
    """From clean to noise; the query starts small."""
    torch.manual_seed(0)
    config = ICLoRAConfig(PAIRING, 512, 2, 0, EXTENT, level, LORA)
    if fits:
        adapter: Any = build_adapter(config)
        assert adapter.query.std().item() == pytest.approx(0.02, rel=0.15)
    else:
        with pytest.raises(ValueError, match="timestep of the reference tokens in"):
            build_adapter(config)


def test_reference_tokens_stand_at_the_first_frame_and_are_put_later() -> None:
    """Of the targets those of the first moment; twice the extent of 4 s behind."""
    config = ICLoRAConfig(PAIRING, 16, 2, 1, EXTENT, 0.25, LORA)
    seen: list[torch.Tensor] = []
    adapter: Any = build_adapter(config)
    adapter.blocks[0].register_forward_pre_hook(lambda _, given: seen.append(given[1]))
    targets = torch.tensor([[[3.0, 3.0, 4.0], [0.0, 32.0, 0.0], [0.0, 0.0, 0.0]]])
    reference = adapter(features(), targets).reference
    assert reference.coordinates.tolist() == targets[:, :, :2].tolist()
    assert (reference.time_offset, reference.timestep) == (8.0, 0.25)
    assert seen[0][0].tolist() == [[3, 3], [16, 48], [16, 16]]


def test_low_rank_updates_have_the_sizes_of_their_layers() -> None:
    """Attention is as wide as the transformer, the feed-forward layer four times; files must hold exactly these."""
    updates = LowRankUpdates(LORA)
    shapes = {name: tuple(tensor.shape) for name, tensor in updates.export().items()}
    block = "transformer.transformer_blocks.0"
    assert shapes[f"{block}.ff.net.0.proj.lora_A.weight"] == (2, 12)
    assert shapes[f"{block}.ff.net.0.proj.lora_B.weight"] == (48, 2)
    assert shapes[f"{block}.ff.net.2.lora_A.weight"] == (2, 48)
    tensors = {name: torch.ones(shape) for name, shape in shapes.items()}
    updates.read(tensors)
    assert all(tensor.eq(1).all() for tensor in updates.export().values())
    name = min(tensors)
    wrong = [{**tensors, "more": torch.ones(1)}, {key: value for key, value in tensors.items() if key != name}]
    for given in wrong:
        with pytest.raises(ValueError, match="expected the LoRA of"):
            updates.read(given)
    with pytest.raises(ValueError, match=r"of shape \(2, 12\), got \(3, 12\)"):
        updates.read({**tensors, f"{block}.attn1.to_q.lora_A.weight": torch.ones(3, 12)})


@pytest.mark.parametrize("field", ["vlm_hidden_size", "vlm_vision_size", "latent_channels", "caption_channels"])
def test_sizes_of_a_pairing(field: str) -> None:
    """At least 1 each."""
    replace(PAIRING, **{field: 1})
    with pytest.raises(ValueError, match=f"expected {field} of at least 1, got 0"):
        replace(PAIRING, **{field: 0})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"vlm_layers": (0,)}, "layers 1, got 2$"),
        ({"vlm_hidden_size": 5}, "hidden size 5, got 2$"),
        ({"vlm_vision_size": 5}, "vision size 5, got 3$"),
        ({"vlm_layers": (0,), "vlm_vision_size": 5}, "layers 1, got 2; vision size 5, got 3$"),
    ],
)
def test_features_of_another_model_are_named(change: dict[str, Any], said: str) -> None:
    """By what differs alone."""
    PAIRING.check(features())
    with pytest.raises(ValueError, match=f"expected features of q with {said}"):
        replace(PAIRING, **change).check(features())


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("mask", (1, 3)),
        ("vision", (2, 4)),
        ("coordinates", (1, 2, 4)),
        ("patch_coordinates", (1, 3, 2)),
    ],
)
def test_features_that_do_not_belong_together_are_refused(name: str, shape: tuple[int, ...]) -> None:
    """With the record that is wrong; patches of more clips too."""
    kind = torch.bool if name in ("mask", "vision") else torch.float32
    with pytest.raises(ValueError, match=f"expected VLM {name} of shape"):
        features(**{name: torch.zeros(shape, dtype=kind)})
    with pytest.raises(ValueError, match="patches for 1 clips, got 2"):
        features(patches=torch.ones(2, 1, 3))


def test_a_shift_moves_what_was_seen() -> None:
    """By seconds alone, words not."""
    moved = features().shift(10.0)
    assert moved.coordinates[0].tolist() == [[0, 11, 12, 0], [0, 0, 32, 0], [0, 16, 16, 0]]
    assert moved.patch_coordinates.flatten().tolist() == [13, 8, 8]
    assert features().coordinates[0, 0].tolist() == [0, 1, 2, 0]
    assert len(features().repeat(3)) == 3 and len(features().select(slice(0, 0))) == 0


def test_tokens_meet_those_of_the_text_one_by_one() -> None:
    """Masked ones add nothing; what is longer than the text is left out."""
    text, mask = torch.ones(1, 2, 1), torch.ones(1, 2, dtype=torch.bool)
    for tokens, kept, expected in (
        ([5.0, 7.0, 9.0], [True, True, True], [6, 8]),
        ([5.0, 7.0], [True, False], [6, 1]),
        ([5.0], [True], [6, 1]),
    ):
        given = ContextTokens(torch.tensor(tokens).view(1, -1, 1), torch.tensor([kept]), "add")
        assert given.join(text, mask)[0].flatten().tolist() == expected


def test_what_is_repeated_for_candidates() -> None:
    """Each clip's in a row, and what is not there stays so."""
    forecast = LatentForecast(torch.tensor([[[1.0]], [[2.0]]]), torch.tensor([[[3.0]], [[4.0]]]))
    reference = ReferenceChanges(torch.tensor([[[1.0]], [[2.0]]]), torch.zeros(2, 3, 1), 0.0, 0.0)
    context = ContextTokens(torch.zeros(2, 1, 1), torch.ones(2, 1, dtype=torch.bool), "add")
    many: Any = Conditioning(forecast, context, reference).repeat(2)
    assert many.forecast.latents.flatten().tolist() == [1, 1, 2, 2]
    assert many.forecast.log_variance.flatten().tolist() == [3, 3, 4, 4]
    assert many.reference.changes.flatten().tolist() == [1, 1, 2, 2] and len(many.context.mask) == 4
    assert many.kinds == ("forecast", "context", "reference")
    assert Conditioning().repeat(2) == Conditioning() and Conditioning(context=context).kinds == ("context",)
    bare: Any = Conditioning(LatentForecast(forecast.latents, None)).repeat(2)
    assert bare.forecast.log_variance is None


def test_copies_are_later_and_no_cleaner() -> None:
    """1 s further, in the nearest place; told the larger of both levels."""
    latents = torch.tensor([[[1.0], [2.0]]])
    places = torch.tensor([[[0.0, 0.0], [0.0, 32.0], [0.0, 0.0]]])
    told = ReferenceChanges(torch.tensor([[[10.0]]]), torch.tensor([[[0.0], [30.0], [0.0]]]), 0.5, 1.0)
    for level, expected in ((0.25, 0.5), (0.75, 0.75)):
        copy = told.join(latents, places, level)
        assert (copy.tokens.item(), copy.timestep) == (12, expected)
        assert copy.coordinates.flatten().tolist() == [1, 32, 0]


def test_configurations_are_complete() -> None:
    """Missing and unknown fields are told apart, in parts as well."""
    linear = LinearConfig(PAIRING, (1.0, 2.0, 3.0))
    values = config_to_dict(linear)
    with pytest.raises(ValueError, match=r"missing \['bandwidth'\], unknown \[\]"):
        config_from_dict({key: value for key, value in values.items() if key != "bandwidth"})
    with pytest.raises(ValueError, match=r"missing \[\], unknown \['more'\]"):
        config_from_dict({**values, "more": 1})
    for kind in (None, 3, "other"):
        with pytest.raises(ValueError, match="expected an adapter of type"):
            config_from_dict({**values, "type": kind})
    with pytest.raises(ValueError, match=r"of ComposeConfig; missing \['parts'\]"):
        config_from_dict({"type": "compose"})
    both = ComposeConfig((linear, QueriesConfig(PAIRING, 16, 2, 1, EXTENT, 1, "replace")))
    assert config_from_dict(config_to_dict(both)) == both
    joined = build_adapter(both)
    assert joined.replaces_text and joined.provides == {"forecast", "context"}
    with pytest.raises(ValueError, match="expected the configuration of an adapter"):
        build_adapter(PAIRING)


def test_a_card_counts_parameters() -> None:
    """Two weights for the layers, and a map of 2·2 + 1 inputs to 4 channels with its biases."""
    card = model_card(build_adapter(LinearConfig(PAIRING, (1.0, 2.0, 3.0))))
    assert f"{2 + 5 * 4 + 4} parameters" in card and "0, 2" in card
