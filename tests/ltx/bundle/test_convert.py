"""Upsamplers and LoRAs from one released format to another; whole checkpoints are in `test_load`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ltx.bundle.convert import convert
from ltx.checkpoint import CheckpointError, save_official
from ltx.checkpoint.read import Weights
from ltx.lora import LoRA, LowRank, Style, read_lora, write_lora
from ltx.upsampler import LatentUpsampler, UpsamplerConfig
from ltx.upsampler.part import UPSAMPLER

# Layers, one of which has another name in diffusers, with rank and alpha.
LAYERS = [("transformer_blocks.0.attn1.to_q", 4, 4.0), ("transformer_blocks.3.ff.net.2", 2, 3.0), ("proj_out", 3, 0.5)]


def upsampler() -> LatentUpsampler:
    """A small one in bfloat16, as the released ones."""
    torch.manual_seed(0)
    sizes = {"in_channels": 8, "mid_channels": 32, "num_blocks_per_stage": 1, "dims": 3}
    return LatentUpsampler(UpsamplerConfig(**sizes, spatial_upsample=True, temporal_upsample=False)).bfloat16()


def lora(*, alphas: bool) -> LoRA:
    """Random updates; alpha is the rank, or another number for two of three."""
    draws = torch.Generator().manual_seed(0)
    return LoRA(
        {
            name: LowRank(
                torch.randn(rank, 6, generator=draws),
                torch.randn(5, rank, generator=draws),
                alpha if alphas else float(rank),
            )
            for name, rank, alpha in LAYERS
        }
    )


def contents(file: Path) -> dict[str, tuple[torch.dtype, tuple[int, ...], bytes]]:
    """Type, shape and bytes of each tensor."""
    return {
        key: (tensor.dtype, tuple(tensor.shape), tensor.view(torch.uint8).numpy().tobytes())
        for key, tensor in load_file(file).items()
    }


def test_an_upsampler_there_and_back(tmp_path: Path) -> None:
    """File, folder that diffusers reads, file: equal bytes for each tensor and the same configuration."""
    from diffusers.pipelines.ltx.modeling_latent_upsampler import LTXLatentUpsamplerModel

    original, folder, back = tmp_path / "a.safetensors", tmp_path / "folder", tmp_path / "b.safetensors"
    save_official(original, [(UPSAMPLER, upsampler())])
    assert convert(original, folder) == "latent upsampler"
    assert convert(folder, back) == "latent upsampler"
    assert contents(original) == contents(back)
    assert Weights((original,)).config() == Weights((back,)).config()
    theirs = LTXLatentUpsamplerModel.from_pretrained(folder, torch_dtype=torch.bfloat16).state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in upsampler().state_dict().items())


def test_an_upsampler_in_the_folder_of_its_pipeline(tmp_path: Path) -> None:
    """diffusers' repositories hold it beside a VAE, in `latent_upsampler`; a precision casts it."""
    upsampler().save_pretrained(tmp_path / "repository" / "latent_upsampler")
    (tmp_path / "repository" / "vae").mkdir()
    file = tmp_path / "a.safetensors"
    assert convert(tmp_path / "repository", file, dtype=torch.float32) == "latent upsampler"
    assert all(torch.equal(load_file(file)[key], tensor.float()) for key, tensor in upsampler().state_dict().items())


def kohya(updates: LoRA, folder: Path) -> Path:
    """A file as kohya's trainer writes it."""
    tensors = {}
    for name, update in updates.updates.items():
        key = f"lora_unet_{name.replace('.', '_')}"
        tensors[f"{key}.lora_down.weight"], tensors[f"{key}.lora_up.weight"] = update.down, update.up
        tensors[f"{key}.alpha"] = torch.tensor(update.alpha)
    save_file(tensors, folder / "kohya.safetensors")
    return folder / "kohya.safetensors"


def test_a_lora_through_every_style_and_back(tmp_path: Path) -> None:
    """ComfyUI, diffusers, PEFT, diffusers, ComfyUI: equal bytes for each tensor where alpha is the rank."""
    original, back = write_lora(lora(alphas=False), tmp_path / "a.safetensors", "comfy"), tmp_path / "b.safetensors"
    assert convert(original, tmp_path / "diffusers") == "LoRA"
    convert(tmp_path / "diffusers", tmp_path / "peft", style="peft")
    convert(tmp_path / "peft", tmp_path / "again.safetensors", style="diffusers")
    convert(tmp_path / "again.safetensors", back)
    assert contents(original) == contents(back)
    diffusers = tmp_path / "diffusers" / "pytorch_lora_weights.safetensors"
    assert contents(diffusers) == contents(tmp_path / "again.safetensors")
    assert "transformer.transformer_blocks.3.ff.net.2.lora_A.weight" in contents(diffusers)
    peft = contents(tmp_path / "peft" / "adapter_model.safetensors")
    assert "base_model.model.transformer_blocks.0.attn1.to_q.lora_B.weight" in peft
    assert "diffusion_model.proj_out.lora_B.weight" in contents(back)


@pytest.mark.parametrize("write", [kohya, lambda updates, folder: write_lora(updates, folder, "peft").parent])
@pytest.mark.parametrize("style", ["peft", "diffusers", "comfy"])
def test_alpha_keeps_its_strength(write: Callable[[LoRA, Path], Path], style: Style, tmp_path: Path) -> None:
    """Sources with alphas keep every factor in PEFT's folder; elsewhere the update is the same to rounding."""
    updates = lora(alphas=True)
    (tmp_path / "source").mkdir()
    convert(write(updates, tmp_path / "source"), tmp_path / "to", style=style)
    found = read_lora(tmp_path / "to").updates
    assert found.keys() == updates.updates.keys()
    for name, update in updates.updates.items():
        torch.testing.assert_close(found[name].delta, update.delta)
        assert torch.equal(found[name].down, update.down)
        if style == "peft":
            assert torch.equal(found[name].up, update.up) and found[name].alpha == update.alpha


def test_a_precision_casts_a_lora(tmp_path: Path) -> None:
    """Both factors, once."""
    original = write_lora(lora(alphas=False), tmp_path / "a.safetensors", "comfy")
    convert(original, tmp_path / "b.safetensors", dtype=torch.bfloat16)
    narrow = load_file(tmp_path / "b.safetensors")
    assert all(torch.equal(narrow[key], tensor.bfloat16()) for key, tensor in load_file(original).items())


def test_what_cannot_be_converted_is_refused(tmp_path: Path) -> None:
    """A style for an upsampler, a file for PEFT, a LoRA of another model, and damaged files; nothing is written."""
    to = tmp_path / "to"
    save_official(tmp_path / "up.safetensors", [(UPSAMPLER, upsampler())])
    with pytest.raises(CheckpointError, match=r"'comfy' is one of LoRAs.*holds a latent upsampler"):
        convert(tmp_path / "up.safetensors", to, style="comfy")
    file = write_lora(lora(alphas=False), tmp_path / "lora.safetensors", "comfy")
    with pytest.raises(CheckpointError, match=r"expected a folder.*to\.safetensors"):
        convert(file, to.with_suffix(".safetensors"), style="peft")
    save_file({"double_blocks.0.img_attn.qkv.lora_A.weight": torch.zeros(4, 8)}, tmp_path / "flux.safetensors")
    with pytest.raises(CheckpointError, match=r"no LoRA of an LTX-Video.*double_blocks"):
        convert(tmp_path / "flux.safetensors", to)
    state = upsampler().state_dict()
    state.pop("final_conv.bias")
    save_file(state, tmp_path / "part.safetensors")
    with pytest.raises(CheckpointError, match=r"missing final_conv\.bias"):
        convert(tmp_path / "part.safetensors", to)
    for damaged in (file, tmp_path / "up.safetensors"):
        damaged.write_bytes(damaged.read_bytes()[:-10])
        with pytest.raises(CheckpointError, match="not a complete safetensors file"):
            convert(damaged, to)
    assert not to.exists() and not to.with_suffix(".safetensors").exists()
