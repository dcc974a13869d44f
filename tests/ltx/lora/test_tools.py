"""LoRA files of other tools, read and written: PEFT, diffusers' pipelines, ComfyUI, kohya; and files that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, LTXPipeline, LTXVideoTransformer3DModel
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from torch import Tensor

from ltx.checkpoint import CheckpointError
from ltx.lora import LoRA, LowRank, Style, attach, detach, merge, read_lora, write_lora
from ltx.shapes import LatentShape, coordinates
from ltx.transformer import VideoTransformer

SHAPE = LatentShape(2, 2, 3)
TARGETS = ["to_k", "to_q", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2"]


def theirs() -> LTXVideoTransformer3DModel:
    """diffusers' transformer, two blocks of width 32."""
    torch.manual_seed(0)
    return LTXVideoTransformer3DModel(
        in_channels=8,
        out_channels=8,
        num_attention_heads=4,
        attention_head_dim=8,
        cross_attention_dim=32,
        num_layers=2,
        caption_channels=16,
    ).eval()


@pytest.fixture
def ours(tmp_path: Path) -> VideoTransformer:
    """The same weights through the production converter."""
    theirs().save_pretrained(tmp_path / "base" / "transformer")
    with pytest.warns(UserWarning, match="causal"):
        return VideoTransformer.from_pretrained(tmp_path / "base")


def inputs() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(2)
    return {
        "tokens": torch.randn(1, SHAPE.tokens, 8, generator=generator),
        "times": torch.rand(1, SHAPE.tokens, generator=generator),
        "places": coordinates(SHAPE, frame_rate=25.0)[None],
        "context": torch.randn(1, 5, 16, generator=generator),
    }


@torch.no_grad()
def output(model: VideoTransformer) -> Tensor:
    given = inputs()
    return model(given["tokens"], given["times"], given["places"], given["context"], None)


@torch.no_grad()
def their_output(model: LTXVideoTransformer3DModel | PeftModel) -> Tensor:
    given = inputs()
    return model(
        hidden_states=given["tokens"],
        encoder_hidden_states=given["context"],
        timestep=1000 * given["times"],
        encoder_attention_mask=torch.ones(1, 5),
        video_coords=given["places"],
        return_dict=False,
    )[0]


def randomise(model: torch.nn.Module) -> None:
    """The second factors of new LoRAs are zero: make every factor count."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))


def their_pipeline(transformer: LTXVideoTransformer3DModel) -> LTXPipeline:
    parts = {"vae": None, "text_encoder": None, "tokenizer": None}
    return LTXPipeline(scheduler=FlowMatchEulerDiscreteScheduler(), transformer=transformer, **parts)


def lora_of(model: VideoTransformer) -> LoRA:
    """Random updates of attention and feed-forward layers, with other alphas than ranks."""
    generator = torch.Generator().manual_seed(1)
    updates = {}
    for number, target in enumerate(("attn1.to_q", "attn2.to_out.0", "ff.net.0.proj", "ff.net.2")):
        name, rank = f"transformer_blocks.{number % 2}.{target}", 2 + number
        outputs, entries = model.get_submodule(name).get_parameter("weight").shape
        down, up = torch.randn(rank, entries, generator=generator), torch.randn(outputs, rank, generator=generator)
        updates[name] = LowRank(0.3 * down, 0.3 * up, [1.0, 3.0, 8.0, 5.0][number])
    return LoRA(updates)


@pytest.mark.parametrize("style", ["diffusers", "comfy"])
def test_diffusers_pipelines_load_ours(style: Style, ours: VideoTransformer, tmp_path: Path) -> None:
    """`load_lora_weights` takes our file in either style and computes what we compute, alpha or not, to 1e-5."""
    lora, before = lora_of(ours), output(ours)
    write_lora(lora, tmp_path / "lora.safetensors", style)
    pipeline = their_pipeline(theirs())
    pipeline.load_lora_weights(tmp_path, weight_name="lora.safetensors")
    attach(ours, lora)
    assert (output(ours) - before).abs().max() > 1e-2
    assert (their_output(pipeline.transformer) - output(ours)).abs().max() <= 1e-5


def test_ours_load_what_diffusers_pipelines_save(ours: VideoTransformer, tmp_path: Path) -> None:
    """`save_lora_weights` writes no alpha, so its readers take the rank; merged it computes the same, to 1e-5."""
    transformer, before = theirs(), output(ours)
    transformer.add_adapter(LoraConfig(r=4, lora_alpha=4, target_modules=TARGETS))
    randomise(transformer)
    LTXPipeline.save_lora_weights(tmp_path, transformer_lora_layers=get_peft_model_state_dict(transformer))
    with pytest.warns(UserWarning, match="taken is their rank"):
        lora = read_lora(tmp_path)
    assert len(lora.updates) == 20 and {update.alpha for update in lora.updates.values()} == {4.0}
    expected = their_output(transformer)
    assert (expected - before).abs().max() > 1e-2
    merge(ours, lora)
    assert (output(ours) - expected).abs().max() <= 1e-5


def test_alpha_in_the_metadata_of_diffusers_is_read(ours: VideoTransformer, tmp_path: Path) -> None:
    """Newer versions note alpha in the file's metadata: the strength is that of training."""
    transformer = theirs()
    config = LoraConfig(r=4, lora_alpha=10, target_modules=TARGETS)
    transformer.add_adapter(config)
    randomise(transformer)
    LTXPipeline.save_lora_weights(
        tmp_path,
        transformer_lora_layers=get_peft_model_state_dict(transformer),
        transformer_lora_adapter_metadata=config.to_dict(),
    )
    lora = read_lora(tmp_path)
    assert {update.alpha for update in lora.updates.values()} == {10.0}
    attach(ours, lora)
    assert (output(ours) - their_output(transformer)).abs().max() <= 1e-5


def test_peft_folders_both_ways(ours: VideoTransformer, tmp_path: Path) -> None:
    """PEFT's own folder is read with its alpha, and PEFT reads ours: the same output to 1e-5."""
    model = get_peft_model(theirs(), LoraConfig(r=4, lora_alpha=7, target_modules=TARGETS, use_rslora=True))
    randomise(model)
    model.save_pretrained(tmp_path / "theirs")
    lora = read_lora(tmp_path / "theirs")
    attach(ours, lora)
    assert (output(ours) - their_output(model.eval())).abs().max() <= 1e-5
    detach(ours)
    mixed = lora_of(ours)
    write_lora(mixed, tmp_path / "ours", "peft")
    attach(ours, mixed)
    again = PeftModel.from_pretrained(theirs(), tmp_path / "ours").eval()
    assert (output(ours) - their_output(again)).abs().max() <= 1e-5


def test_biases_of_the_second_factor_compute_as_in_peft(ours: VideoTransformer, tmp_path: Path) -> None:
    """PEFT's `lora_bias` is read as a difference of the layer's bias: merged, the same output to 1e-5."""
    model = get_peft_model(theirs(), LoraConfig(r=4, lora_alpha=7, target_modules=TARGETS, lora_bias=True))
    randomise(model)
    model.save_pretrained(tmp_path / "theirs")
    lora, before = read_lora(tmp_path / "theirs"), output(ours)
    assert len(lora.differences) == len(lora.updates) == 20
    merge(ours, lora)
    assert (output(ours) - before).abs().max() > 1e-2
    assert (output(ours) - their_output(model.eval())).abs().max() <= 1e-5


@pytest.mark.parametrize("prefix", ["lora_unet_", "lora_transformer_"])
def test_kohya_files_are_read(prefix: str, ours: VideoTransformer, tmp_path: Path) -> None:
    """Names with underscores, `down` and `up`, and an alpha tensor for each module."""
    lora, tensors = lora_of(ours), {}
    for name, update in lora.updates.items():
        key = prefix + name.replace(".", "_")
        tensors[f"{key}.lora_down.weight"], tensors[f"{key}.lora_up.weight"] = update.down, update.up
        tensors[f"{key}.alpha"] = torch.tensor(update.alpha)
    save_file(tensors, tmp_path / "kohya.safetensors")
    read = read_lora(tmp_path / "kohya.safetensors")
    assert read.updates.keys() == lora.updates.keys()
    for name, update in lora.updates.items():
        assert torch.equal(read.updates[name].delta, update.delta)


def test_comfy_names_and_alpha_tensors(ours: VideoTransformer, tmp_path: Path) -> None:
    """ComfyUI's prefix, with alpha beside the factors as some of its tools write it, for half of the modules."""
    lora = lora_of(ours)
    file = write_lora(LoRA({n: LowRank(u.down, u.up, u.rank) for n, u in lora.updates.items()}), tmp_path, "comfy")
    tensors = load_file(file)
    assert all(key.startswith("diffusion_model.transformer_blocks.") for key in tensors)
    half = list(lora.updates)[::2]
    for name in half:
        tensors[f"diffusion_model.{name}.alpha"] = torch.tensor(lora.updates[name].alpha)
    save_file(tensors, file)
    with pytest.warns(UserWarning, match="alpha of 2 updates"):
        read = read_lora(file)
    for name, update in read.updates.items():
        assert update.alpha == (lora.updates[name].alpha if name in half else update.rank)


DOWN, UP = "diffusion_model.transformer_blocks.0.attn1.to_q.lora_A.weight", torch.zeros(32, 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"double_blocks.0.img_attn.qkv.lora_A.weight": torch.zeros(4, 32)}, r"no LoRA of an LTX.*double_blocks"),
        ({DOWN.replace("lora_A", "lora_B"): None}, r"lack one of their two factors.*attn1\.to_q"),
        ({DOWN.replace("lora_A.weight", "dora_scale"): torch.ones(32)}, "DoRA"),
        ({DOWN.replace("diffusion_model", "transformer"): torch.zeros(4, 32)}, "under more than one name"),
        ({DOWN: torch.zeros(3, 32)}, r"expected factors.*\(3, 32\) and \(32, 4\)"),
    ],
)
def test_wrong_files_are_refused(change: dict[str, Tensor | None], message: str, tmp_path: Path) -> None:
    """Keys of another model, one factor alone, DoRA, two names for one update, and ranks that differ are named."""
    tensors = {DOWN: torch.zeros(4, 32), DOWN.replace("lora_A", "lora_B"): UP, **change}
    file = tmp_path / "lora.safetensors"
    save_file({key: tensor for key, tensor in tensors.items() if tensor is not None}, file)
    with pytest.raises(CheckpointError, match=message):
        read_lora(file)


def test_damaged_files_are_refused(ours: VideoTransformer, tmp_path: Path) -> None:
    """Truncated files, pickles, empty files and missing ones each have their own sentence."""
    file = write_lora(lora_of(ours), tmp_path / "lora.safetensors", "comfy")
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match="not a complete safetensors file"):
        read_lora(file)
    torch.save({DOWN: torch.zeros(4, 32)}, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match="pickle"):
        read_lora(tmp_path / "a.safetensors")
    save_file({}, tmp_path / "b.safetensors")
    with pytest.raises(CheckpointError, match="at least one update"):
        read_lora(tmp_path / "b.safetensors")
    with pytest.raises(CheckpointError, match="nowhere"):
        read_lora(tmp_path / "nowhere")


def test_folded_alpha_is_noted(ours: VideoTransformer, tmp_path: Path) -> None:
    """Files without a place for alpha say in their metadata what was folded in."""
    from safetensors import safe_open

    lora = lora_of(ours)
    with safe_open(write_lora(lora, tmp_path, "diffusers"), framework="pt") as file:
        note = json.loads(file.metadata()["ltx_lora"])
    assert note["folded_alpha"] == {name: update.alpha for name, update in lora.updates.items()}
