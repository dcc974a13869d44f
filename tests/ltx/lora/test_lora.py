"""LoRAs on the transformer: put on and taken off without a trace, written for and applied alike by other tools."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import LTXVideoTransformer3DModel
from safetensors.torch import load_file
from torch import Tensor

from ltx.checkpoint.errors import CheckpointError
from ltx.lora import LoRA, LowRank, Style, attach, combined, create, detach, extract, merge, read_lora, write_lora
from ltx.shapes import LatentShape, coordinates
from ltx.transformer import VideoTransformer
from tests.small import transformer_config

RENAMES = [("patchify_proj", "proj_in"), ("adaln_single", "time_embed"), ("q_norm", "norm_q"), ("k_norm", "norm_k")]
# Layer, rank and alpha: alpha is the rank, above it and below it; the last layer has another name in diffusers.
UPDATES = [
    ("transformer_blocks.0.attn1.to_q", 4, 4.0),
    ("transformer_blocks.1.attn2.to_out.0", 2, 6.0),
    ("transformer_blocks.0.ff.net.0.proj", 4, 1.0),
    ("patchify_proj", 3, 5.0),
]
SHAPE = LatentShape(2, 2, 3)


@pytest.fixture
def model() -> VideoTransformer:
    """Two blocks of width 32."""
    torch.manual_seed(0)
    config = transformer_config()
    return VideoTransformer(config).eval()


@pytest.fixture
def lora(model: VideoTransformer) -> LoRA:
    """Random updates of four layers, strong enough to be seen."""
    generator = torch.Generator().manual_seed(1)
    updates = {}
    for name, rank, alpha in UPDATES:
        outputs, inputs = model.get_submodule(name).get_parameter("weight").shape
        down = 0.3 * torch.randn(rank, inputs, generator=generator)
        updates[name] = LowRank(down, 0.3 * torch.randn(outputs, rank, generator=generator), alpha)
    return LoRA(updates)


def _inputs() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    tokens = torch.randn(1, SHAPE.tokens, 8, generator=generator)
    times = torch.rand(1, SHAPE.tokens, generator=generator)
    return tokens, times, coordinates(SHAPE, frame_rate=25.0)[None], torch.randn(1, 5, 16, generator=generator)


@torch.no_grad()
def _output(model: VideoTransformer) -> Tensor:
    return model(*_inputs(), None)


def _state(model: VideoTransformer) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in model.state_dict().items()}


def _assert_same(model: VideoTransformer, state: dict[str, Tensor]) -> None:
    now = model.state_dict()
    assert list(now) == list(state)
    assert all(torch.equal(now[key], value) for key, value in state.items())


def test_detach_leaves_no_trace(model: VideoTransformer, lora: LoRA) -> None:
    """Attaching changes the output; detaching restores keys, weights and output bit for bit."""
    state, before = _state(model), _output(model)
    attach(model, lora)
    assert (_output(model) - before).abs().max() > 1e-2
    detach(model)
    _assert_same(model, state)
    assert torch.equal(_output(model), before)
    with pytest.raises(CheckpointError):
        detach(model)


def test_undo_restores_the_weights(model: VideoTransformer, lora: LoRA) -> None:
    """Undoing a merge restores weights and output bit for bit, also in bfloat16."""
    for dtype in (torch.float32, torch.bfloat16):
        model.to(dtype)
        state = _state(model)
        merged = merge(model, lora, strength=0.7)
        assert not torch.equal(model.state_dict()["patchify_proj.weight"], state["patchify_proj.weight"])
        merged.undo()
        _assert_same(model, state)


def test_merged_computes_what_attached_does(model: VideoTransformer, lora: LoRA) -> None:
    """Merging and attaching with the same strength give the same output to 1e-5."""
    attach(model, lora, strength=0.5)
    beside = _output(model)
    detach(model)
    merge(model, lora, strength=0.5)
    assert (_output(model) - beside).abs().max() <= 1e-5


def test_two_at_once_and_one_off(model: VideoTransformer, lora: LoRA) -> None:
    """Of two attached LoRAs, taking one off leaves the output of the other alone; a name is given only once."""
    attach(model, lora, name="first")
    alone = _output(model)
    attach(model, lora, name="second")
    assert not torch.equal(_output(model), alone)
    with pytest.raises(CheckpointError, match="second"):
        attach(model, lora, name="second")
    with pytest.raises(CheckpointError, match="detach"):
        merge(model, lora)
    detach(model, name="second")
    assert torch.equal(_output(model), alone)


def test_a_merge_is_rounded_once(model: VideoTransformer, lora: LoRA) -> None:
    """In bfloat16 the merged weight is the nearest one to the exact sum, for several LoRAs at once too."""
    name = "transformer_blocks.0.attn1.to_q"
    weight = model.bfloat16().get_submodule(name).get_parameter("weight")
    update = lora.updates[name]
    exact = weight.double() + (0.7 - 0.3) * (update.alpha / update.rank) * (update.up.double() @ update.down.double())
    merge(model, combined([(lora, 0.7), (lora, -0.3)]))
    assert (weight != exact.bfloat16()).float().mean() < 1e-3


def test_a_sum_beyond_the_type_is_refused(model: VideoTransformer, lora: LoRA) -> None:
    """A strength that would make a weight infinite in float16, or is NaN, leaves every weight as it was."""
    state = _state(model.half())
    for strength in (1e7, float("nan")):
        with pytest.raises(CheckpointError, match=r"to_q\.weight would hold NaN or infinity"):
            merge(model, lora, strength=strength)
        _assert_same(model, state)


def test_whole_differences_are_merged_and_undone(model: VideoTransformer) -> None:
    """Biases, norms and tables are added at the strength, and put back bit for bit; they cannot be attached."""
    names = ("patchify_proj.bias", "transformer_blocks.0.attn1.q_norm.weight", "scale_shift_table")
    state = _state(model)
    lora = LoRA({}, {name: torch.randn(state[name].shape) for name in names})
    merged = merge(model, lora, strength=0.5)
    for name in names:
        torch.testing.assert_close(model.state_dict()[name], state[name] + 0.5 * lora.differences[name])
    merged.undo()
    _assert_same(model, state)
    with pytest.raises(CheckpointError, match=r"whole differences.*merge it"):
        attach(model, lora)
    with pytest.raises(CheckpointError, match=r"does not have.*proj\.bias"):
        merge(model, LoRA({}, {"proj.bias": torch.ones(1)}))
    with pytest.raises(CheckpointError, match=r"another size.*patchify_proj\.bias"):
        merge(model, LoRA({}, {"patchify_proj.bias": torch.ones(7)}))


def test_transposed_factors_are_named_by_the_model(model: VideoTransformer) -> None:
    """Of a square layer only the model's sizes show that the factors are transposed, and the message says so."""
    turned = LowRank(torch.ones(32, 4), torch.ones(4, 32), 1.0)
    with pytest.raises(CheckpointError, match="look transposed"):
        attach(model, LoRA({"transformer_blocks.0.attn1.to_q": turned}))


@pytest.mark.parametrize("whole", [True, False])
def test_compiled_models_are_updated_alike(model: VideoTransformer, lora: LoRA, whole: bool) -> None:
    """Whether the model is compiled or its blocks are, a LoRA is attached, extracted, detached, merged and undone."""
    before = _output(model)
    merged = merge(model, lora, strength=0.5)
    expected = _output(model)
    merged.undo()
    if whole:
        compiled = torch.compile(model, backend="eager")
    else:
        compiled = model
        for index, block in enumerate(model.transformer_blocks):
            model.transformer_blocks[index] = torch.compile(block, backend="eager")
    merged = merge(compiled, lora, strength=0.5)
    assert torch.allclose(_output(model), expected, atol=1e-6)
    merged.undo()
    attach(compiled, lora, strength=0.5)
    assert torch.allclose(_output(model), expected, atol=1e-5)
    assert extract(compiled).updates.keys() == lora.updates.keys()
    detach(compiled)
    assert torch.allclose(_output(model), before, atol=1e-6)


def test_strengths_are_finite(model: VideoTransformer, lora: LoRA) -> None:
    """NaN and infinity are no strengths; nothing is attached."""
    for strength in (float("nan"), float("inf")):
        with pytest.raises(CheckpointError, match="finite strength"):
            attach(model, lora, strength=strength)
    attach(model, lora)


def test_created_changes_nothing_until_trained(model: VideoTransformer) -> None:
    """A new LoRA leaves the output as it was."""
    before = _output(model)
    create(model, rank=4, alpha=8.0, targets=["to_q"])
    assert torch.equal(_output(model), before)
    assert len(extract(model).updates) == 4


def test_extract_gives_what_was_attached(model: VideoTransformer, lora: LoRA) -> None:
    """What is extracted is what was attached, factors and alpha, whatever the strength."""
    attach(model, lora, strength=0.3)
    found = extract(model)
    assert found.updates.keys() == lora.updates.keys()
    for name, update in lora.updates.items():
        assert torch.equal(found.updates[name].down, update.down)
        assert torch.equal(found.updates[name].up, update.up)
        assert found.updates[name].alpha == update.alpha


@pytest.mark.parametrize("style", ["peft", "diffusers", "comfy"])
def test_every_style_is_read_back(tmp_path: Path, lora: LoRA, style: Style) -> None:
    """Every style gives the same layers and, to 1e-6, the same updates back where alpha is not the rank as well."""
    write_lora(lora, tmp_path / "lora", style)
    found = read_lora(tmp_path / "lora")
    assert found.updates.keys() == lora.updates.keys()
    for name, update in lora.updates.items():
        assert torch.allclose(found.updates[name].delta, update.delta, rtol=0, atol=1e-6)
        if style == "peft":
            assert found.updates[name].alpha == update.alpha
            assert torch.equal(found.updates[name].up, update.up)


@torch.no_grad()
def test_diffusers_computes_the_same(tmp_path: Path, model: VideoTransformer, lora: LoRA) -> None:
    """Diffusers' transformer with the written file loaded gives our output with the LoRA attached, to 1e-5."""
    fields = {key: value for key, value in model.config.to_diffusers_dict().items() if not key.startswith("_")}
    fields.pop("causal_temporal_positioning")
    other = LTXVideoTransformer3DModel(**fields).eval()
    state = {}
    for key, value in model.state_dict().items():
        for ours, theirs in RENAMES:
            key = key.replace(ours, theirs)
        state[key] = value
    other.load_state_dict(state, strict=True)
    other.load_lora_adapter(load_file(write_lora(lora, tmp_path, "diffusers")), prefix="transformer")
    before = _output(model)
    attach(model, lora)
    tokens, times, places, context = _inputs()
    theirs = other(
        tokens,
        context,
        1000 * times,
        encoder_attention_mask=torch.ones(1, 5),
        num_frames=2,
        height=2,
        width=3,
        video_coords=places,
        return_dict=False,
    )[0]
    assert (_output(model) - before).abs().max() > 1e-2
    assert (_output(model) - theirs).abs().max() <= 1e-5


def test_another_model_is_refused(model: VideoTransformer, lora: LoRA) -> None:
    """Updates of layers that are not there, or have other sizes, are refused by name; the model stays as it was."""
    state = _state(model)
    update = lora.updates["transformer_blocks.0.attn1.to_q"]
    for name in ("transformer_blocks.7.attn1.to_q", "transformer_blocks.0.ff.net.2"):
        with pytest.raises(CheckpointError, match=name):
            attach(model, LoRA({name: update}))
        with pytest.raises(CheckpointError, match=name):
            merge(model, LoRA({name: update}))
    _assert_same(model, state)


@pytest.mark.parametrize(
    ("targets", "count"), [(["proj_out"], 1), (["to_q"], 4), (["attn1.to_q"], 2), (["to_q", "to_out.0"], 8)]
)
def test_targets_are_ends_of_names(model: VideoTransformer, targets: list[str], count: int) -> None:
    """Whole parts of them: the layer itself, or what stands behind a point."""
    create(model, rank=2, alpha=4.0, targets=targets)
    found = extract(model).updates
    assert len(found) == count and {(update.rank, update.alpha) for update in found.values()} == {(2, 4.0)}


@pytest.mark.parametrize("targets", [["q"], ["out"], ["attn1"], []])
def test_targets_that_are_no_layers_are_refused(model: VideoTransformer, targets: list[str]) -> None:
    """Parts of words, and modules that are not linear."""
    with pytest.raises(CheckpointError, match="found none"):
        create(model, rank=2, alpha=4.0, targets=targets)


def test_differences_and_updates_of_one_weight_add_up(model: VideoTransformer) -> None:
    """Both at the strength: 1 + 0.5 · (2 · 1 + 3)."""
    name = "transformer_blocks.0.attn1.to_q"
    with torch.no_grad():
        model.get_parameter(f"{name}.weight").fill_(1)
    update = LowRank(torch.ones(1, 32), torch.ones(32, 1), 2.0)
    merge(model, LoRA({name: update}, {f"{name}.weight": torch.full((32, 32), 3.0)}), strength=0.5)
    assert model.get_parameter(f"{name}.weight").eq(3.5).all()


def test_layers_of_another_kind_are_refused() -> None:
    """An embedding has weights of a linear layer's shape and is none: nothing can lie beside it."""
    model = torch.nn.Sequential(torch.nn.Embedding(4, 3))
    with pytest.raises(CheckpointError, match="no linear layers: 0"):
        attach(model, LoRA({"0": LowRank(torch.ones(1, 3), torch.ones(4, 1), 1.0)}))
