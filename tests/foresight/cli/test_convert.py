"""`foresight convert`: between the released formats, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from foresight.cli.main import main
from ltx.bundle.checkpoint import Checkpoint
from ltx.flow import SchedulerConfig
from ltx.lora import LoRA, LowRank, write_lora
from ltx.transformer import VideoTransformer
from ltx.upsampler import LatentUpsampler, UpsamplerConfig
from ltx.vae import VideoVAE
from tests.small import transformer_config, vae_config


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small official file in the structure of 0.9.5."""
    torch.manual_seed(0)
    vae = VideoVAE(vae_config())
    transformer = VideoTransformer(transformer_config(num_layers=1, num_attention_heads=2, attention_head_dim=12))
    path = tmp_path_factory.mktemp("official") / "ltx.safetensors"
    Checkpoint(transformer, vae, SchedulerConfig()).save_official(path)
    return path


def test_there_and_back(official: Path, tmp_path: Path) -> None:
    """A file becomes a folder becomes a file with equal bytes for each tensor; a precision casts them."""
    folder, back, half = tmp_path / "folder", tmp_path / "back.safetensors", tmp_path / "half.safetensors"
    assert main(["convert", f"source={official}", f"to={folder}"]) == 0
    assert (folder / "model_index.json").is_file()
    assert main(["convert", f"source={folder}", f"to={back}"]) == 0
    before, after = load_file(official), load_file(back)
    assert {k: v.numpy().tobytes() for k, v in before.items()} == {k: v.numpy().tobytes() for k, v in after.items()}
    assert main(["convert", f"source={official}", f"to={half}", "precision=bfloat16"]) == 0
    narrow = load_file(half)
    assert all(torch.equal(narrow[key], tensor.bfloat16()) for key, tensor in before.items())


def test_upsamplers_and_loras(tmp_path: Path) -> None:
    """What the source holds is told by its content; a style says how a LoRA's keys are spelled."""
    sizes = {"in_channels": 8, "mid_channels": 32, "num_blocks_per_stage": 1, "dims": 3}
    upsampler = LatentUpsampler(UpsamplerConfig.from_dict(sizes))
    upsampler.save_pretrained(tmp_path / "folder")
    assert main(["convert", f"source={tmp_path / 'folder'}", f"to={tmp_path / 'up.safetensors'}"]) == 0
    written = load_file(tmp_path / "up.safetensors")
    assert all(torch.equal(written[key], tensor) for key, tensor in upsampler.state_dict().items())
    update = LowRank(torch.ones(2, 8), torch.ones(8, 2), 2.0)
    file = write_lora(LoRA({"transformer_blocks.0.attn1.to_q": update}), tmp_path / "lora.safetensors", "comfy")
    assert main(["convert", f"source={file}", f"to={tmp_path / 'peft'}", "style=peft"]) == 0
    assert (tmp_path / "peft" / "adapter_config.json").is_file()


def test_mistakes_are_one_line(official: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown precisions, missing, foreign and damaged sources exit with 2 and one line that names what is wrong."""
    foreign, damaged, pickle = tmp_path / "foreign.safetensors", tmp_path / "damaged.safetensors", tmp_path / "a.ckpt"
    save_file({"double_blocks.0.img_attn.qkv.weight": torch.zeros(1)}, foreign)
    damaged.write_bytes(official.read_bytes()[:-50])
    torch.save({}, pickle)
    cases = [
        (["precision=int4", f"source={official}"], "int4"),
        (["style=flux", f"source={official}"], "flux"),
        (["style=peft", f"source={official}"], "peft"),
        (["source=nowhere"], "nowhere"),
        ([f"source={foreign}"], "double_blocks.0.img_attn.qkv.weight"),
        ([f"source={damaged}"], "not a complete safetensors file"),
        ([f"source={pickle}"], "pickle"),
    ]
    for words, named in cases:
        assert main(["convert", f"to={tmp_path / 'out'}", *words]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1 and lines[0].startswith("foresight: ") and named in lines[0], lines
        assert not (tmp_path / "out").exists()
