"""The disk of a reader of the pages: released models by name in the hub's cache, at tiny size, and files of his own."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import huggingface_hub.constants
import pytest
import torch
from PIL import Image

from foresight.cli.main import main
from foresight.physics import make_clip
from ltx.bundle.checkpoint import Checkpoint
from ltx.checkpoint import save_official
from ltx.checkpoint.hub import resolve
from ltx.lora import LoRA, LowRank, write_lora
from ltx.media import to_pixels, write_lossless
from ltx.upsampler import LatentUpsampler, UpsamplerConfig
from ltx.upsampler.part import UPSAMPLER

PAGES = Path(__file__).parents[2] / "docs"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
RELEASE = "ltxv-2b-0.9.8-distilled.safetensors"
DOUBLING = UpsamplerConfig(
    in_channels=128, mid_channels=32, num_blocks_per_stage=1, dims=3, spatial_upsample=True, temporal_upsample=False
)

Follow = Callable[..., None]


def commands(page: str, instead: Mapping[str, str]) -> list[list[str]]:
    """Every `foresight …` of a page's shell blocks, in order, split as a shell does; `instead` has smaller numbers."""
    blocks = re.findall(r"```bash\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL)
    text = "\n".join(blocks).replace("\\\n", " ")
    for large, small in instead.items():
        text = re.sub(rf"(?<=[ =]){re.escape(large)}(?=[ ,}}\n])", small, text)
    lines = text.splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("foresight ")]


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """huggingface_hub's cache with the 2B release, its upsampler, the T5 and the Qwen that the pages name."""
    cache, tiny = tmp_path_factory.mktemp("hub"), resolve("foresight-tiny", "vae")

    def snapshot(repository: str) -> Path:
        folder = cache / f"models--{repository.replace('/', '--')}"
        (folder / "refs").mkdir(parents=True)
        (folder / "refs" / "main").write_text(COMMIT)
        (folder / "snapshots" / COMMIT).mkdir(parents=True)
        return folder / "snapshots" / COMMIT

    released = snapshot("Lightricks/LTX-Video")
    model = Checkpoint.from_pretrained(tiny)
    # Without its notes the file is what it is called.
    Checkpoint(model.transformer, model.vae, model.scheduler).save_official(released / RELEASE)
    torch.manual_seed(0)
    save_official(released / "ltxv-spatial-upscaler-0.9.8.safetensors", [(UPSAMPLER, LatentUpsampler(DOUBLING))])
    text = snapshot("PixArt-alpha/PixArt-XL-2-1024-MS")
    for part in ("text_encoder", "tokenizer"):
        shutil.copytree(tiny / part, text / part)
    shutil.copytree(tiny / "vlm", snapshot("Qwen/Qwen2.5-VL-3B-Instruct"), dirs_exist_ok=True)
    return cache


@pytest.fixture
def follow(tmp_path: Path, hub: Path, monkeypatch: pytest.MonkeyPatch) -> Follow:
    """Runs every command of a page where its files are, each with the words that make it small for its kind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(hub))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    tiny = resolve("foresight-tiny", "vae")
    clip = make_clip(3).video[:, :25]
    for split in ("train", "validation"):
        (tmp_path / "videos" / split).mkdir(parents=True)
        for seed in range(4):
            made = make_clip(seed)
            write_lossless(tmp_path / "videos" / split / f"{seed}.mp4", made.video, frame_rate=8)
            (tmp_path / "videos" / split / f"{seed}.txt").write_text(made.instruction)
    for name in ("clip.mp4", "edges.mp4"):
        write_lossless(tmp_path / name, clip, frame_rate=8)
    for name, frame in (("first.png", 0), ("last.png", -1)):
        Image.fromarray(to_pixels(clip[:, [frame]])[0].numpy()).save(tmp_path / name)
    with torch.device("meta"):
        layers = Checkpoint.from_pretrained(tiny).transformer.state_dict()
    layer = "transformer_blocks.0.attn1.to_q"
    rows, columns = layers[f"{layer}.weight"].shape
    for name in ("ink.safetensors", "edges.safetensors"):
        update = LowRank(0.1 * torch.ones(2, columns), 0.1 * torch.ones(rows, 2), 2.0)
        write_lora(LoRA({layer: update}), tmp_path / name, "comfy")
    (tmp_path / RELEASE).symlink_to(hub / "models--Lightricks--LTX-Video" / "snapshots" / COMMIT / RELEASE)
    shutil.copytree(tiny / "vlm", tmp_path / "Qwen2.5-VL-3B-Instruct")
    for part in ("text_encoder", "tokenizer"):
        shutil.copytree(tiny / part, tmp_path / "t5" / part)
    shutil.copytree(tiny / "adapter", tmp_path / "runs" / "adapters" / "queries")

    def run(page: str, added: Mapping[str, list[str]], instead: Mapping[str, str] = MappingProxyType({})) -> None:
        for words in commands(page, instead):
            told = [*words, *added.get(words[0], [])]
            assert main(told) == 0, " ".join(told)

    return run
