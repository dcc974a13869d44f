"""Whole runs of the released presets, video included, against what Lightricks' own code made of the same weights.

The expectations in `released/` were made once by `released/make.py` with the PyPI package ltx-video 0.1.2, whose code
is that of the releases: its pipelines with the settings of the released YAML files, small models whose weights follow a
rule from their names (`filled`), and noise that an oracle gives to both sides (`Oracle`). The tests do not need the
package.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from ltx.bundle.checkpoint import Checkpoint
from ltx.conditioning import ConditioningItem
from ltx.flow import SchedulerConfig
from ltx.media import degrade
from ltx.media.degrade import crop_to_aspect
from ltx.pipeline import Generated, LTXPipeline, presets
from ltx.text import TextConditioning
from ltx.transformer import TransformerConfig, VideoTransformer
from ltx.upsampler import LatentUpsampler, UpsamplerConfig
from ltx.vae import VideoVAE
from tests.small import vae_config

RELEASED = Path(__file__).parent / "released"
CHANNELS, CAPTIONS, WIDTH = 8, 16, 24
# No multiple of 32, so that padding, the last resize and cropping are in it; 16 frames are made as 17.
FRAMES, HEIGHT, WIDTH_ASKED, FRAME_RATE = 16, 70, 110, 25.0
# Name of each run: the preset, the generation of the VAE, the blocks, steps if not the preset's, with given frames.
RUNS: dict[str, tuple[str, str, int, int | None, bool]] = {
    "2b-0.9": ("ltx-video-2b-0.9.0", "0.9.0", 20, 5, False),
    "2b-0.9.1": ("ltx-video-2b-0.9.1", "0.9.1", 20, 5, False),
    "2b-0.9.5": ("ltx-video-2b-0.9.5", "0.9.5", 20, 10, False),
    "2b-0.9.6-distilled": ("ltxv-2b-0.9.6-distilled", "0.9.5", 2, None, True),
    "2b-0.9.8-distilled": ("ltxv-2b-0.9.8-distilled", "0.9.5", 2, None, False),
    "13b-0.9.8-distilled": ("ltxv-13b-0.9.8-distilled", "0.9.5", 2, None, False),
    "13b-0.9.8-distilled, given frames": ("ltxv-13b-0.9.8-distilled", "0.9.5", 2, None, True),
    "13b-0.9.8-dev": ("ltxv-13b-0.9.8-dev", "0.9.5", 40, None, False),
}
SLOW = {"13b-0.9.8-dev"}


def filled(name: str, shape: tuple[int, ...]) -> Tensor:
    """A weight by its official name: the same on every machine, of a size that keeps activations near 1."""
    values = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)
    if name.endswith("timestep_scale_multiplier"):
        return torch.tensor(1000.0)
    if name.endswith("std-of-means"):
        return torch.from_numpy(np.exp(0.3 * values))
    if "norm" in name and name.endswith("weight"):
        return torch.from_numpy(1 + 0.2 * values)
    if name.endswith(("bias", "per_channel_scale1", "per_channel_scale2")):
        return torch.from_numpy(0.1 * values)
    if len(shape) == 1 or name.endswith("scale_shift_table"):
        return torch.from_numpy(0.3 * values)
    return torch.from_numpy(values / np.float32(np.prod(shape[1:]) ** 0.5))


def write_released(path: Path, generation: str, layers: int) -> Path:
    """An official file of a generation's structure with few weights, which follow the rule."""
    heads = {"num_attention_heads": 2, "attention_head_dim": WIDTH // 2, "cross_attention_dim": WIDTH}
    rope = {"positional_embedding_theta": 10000.0, "positional_embedding_max_pos": [20, 2048, 2048]}
    fixed = {"timestep_scale_multiplier": 1000, "norm_eps": 1e-6}
    channels = {"in_channels": CHANNELS, "out_channels": CHANNELS, "caption_channels": CAPTIONS}
    causal = generation == "0.9.5"
    transformer = VideoTransformer(
        TransformerConfig.from_dict(
            {**heads, **channels, **rope, **fixed, "num_layers": layers, "causal_temporal_positioning": causal}
        )
    )
    vae = VideoVAE(vae_config(generation, channels=CHANNELS))
    scheduler = SchedulerConfig() if causal else SchedulerConfig("uniform", "tokens", 0.1)
    Checkpoint(transformer, vae, scheduler).save_official(path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    save_file({name: filled(name, tuple(tensor.shape)) for name, tensor in load_file(path).items()}, path, metadata)
    return path


def small_upsampler() -> dict[str, Any]:
    """Configuration of a spatial upsampler."""
    sizes = {"in_channels": CHANNELS, "mid_channels": 32, "num_blocks_per_stage": 1, "dims": 3}
    return {**sizes, "spatial_upsample": True, "temporal_upsample": False}


def text(seed: int) -> tuple[Tensor, Tensor]:
    """Token states and their mask."""
    states = np.random.default_rng(seed).standard_normal((1, 6, CAPTIONS)).astype(np.float32)
    return torch.from_numpy(states), torch.arange(6)[None] < 3 + seed


def picture(seed: int, height: int = HEIGHT, width: int = WIDTH_ASKED) -> np.ndarray:
    """Bytes of a picture with soft shapes and fine grain."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    phases = rng.uniform(0, 6, 3)
    soft = [np.sin(rows / 9 + phase) * np.cos(columns / 13 - phase) for phase in phases]
    grain = rng.normal(0, 0.1, (height, width, 3))
    return np.clip(np.stack(soft, -1) * 90 + grain * 127 + 128, 0, 255).astype(np.uint8)


# Pictures that must be seen, with their frame and strength.
GIVEN = [(1, 0, 1.0), (2, 11, 0.6)]


class Oracle:
    """Noise by the number of channels and tokens and how often that was asked for: the same as latents and tokens."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[int, ...]] = Counter()

    def __call__(self, shape: tuple[int, ...]) -> Tensor:
        """Noise of a shape (batch, channel, frame, height, width) or (batch, token, channel)."""
        tokens = len(shape) == 3
        size = (shape[0], shape[2], shape[1]) if tokens else (shape[0], shape[1], int(np.prod(shape[2:])))
        number, self.asked[size] = self.asked[size], self.asked[size] + 1
        noise = torch.from_numpy(np.random.default_rng([*size, number]).standard_normal(size).astype(np.float32))
        return noise.mT.contiguous() if tokens else noise.view(shape)


def sampled(video: Tensor) -> Tensor:
    """Few of a video's pixels, from every frame, row group and channel."""
    return video[..., ::5, ::7].contiguous()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Path]:
    """Official files, each made once."""
    made: dict[tuple[str, int], Path] = {}

    def file(generation: str, layers: int) -> Path:
        key = (generation, layers)
        if key not in made:
            made[key] = write_released(tmp_path_factory.mktemp("released") / "model.safetensors", *key)
        return made[key]

    return file


def ours(run: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> Generated:
    """A run with this pipeline."""
    name, _, _, steps, given = RUNS[run]
    checkpoint = Checkpoint.from_pretrained(file)
    upsampler = LatentUpsampler(UpsamplerConfig.from_dict(small_upsampler())).eval()
    upsampler.load_state_dict({key: filled(key, tuple(value.shape)) for key, value in upsampler.state_dict().items()})
    parts = (checkpoint.transformer, checkpoint.vae, checkpoint.scheduler)
    pipeline = LTXPipeline(*parts, None, upsampler, presets()[name])
    oracle = Oracle()
    homes = ("pipeline.run", "pipeline.pipeline", "conditioning.place", "conditioning.noise", "flow.sampler")
    for home in homes:
        monkeypatch.setattr(import_module(f"ltx.{home}"), "draw_noise", lambda like, _: oracle(tuple(like.shape)))
    conditions = [
        ConditioningItem(torch.from_numpy(picture(seed)).permute(2, 0, 1)[None, :, None] / 127.5 - 1, start, strength)
        for seed, start, strength in (GIVEN if given else [])
    ]
    torch.manual_seed(0)  # the decoder of 0.9.1 draws from the global generator
    positive, negative = (TextConditioning(*text(seed)) for seed in (1, 2))
    options: dict[str, Any] = {} if steps is None else {"steps": steps}
    return pipeline(
        positive,
        negative_prompt=negative,
        conditions=conditions,
        frames=FRAMES,
        height=HEIGHT,
        width=WIDTH_ASKED,
        frame_rate=FRAME_RATE,
        **options,
    )


@pytest.mark.parametrize("run", [pytest.param(run, marks=pytest.mark.slow) if run in SLOW else run for run in RUNS])
def test_a_preset_is_as_released(run: str, files: Callable[[str, int], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Latents and video of a preset are those of the released pipeline to 1e-5, sizes that do not fit included."""
    expected = load_file(RELEASED / "runs.safetensors")
    result = ours(run, files(*RUNS[run][1:3]), monkeypatch)
    latents, video = expected[f"{run}.latents"], expected[f"{run}.video"]
    assert result.video is not None and result.video.shape[-3:] == (FRAMES, HEIGHT, WIDTH_ASKED)
    # Not by being flat or cut off everywhere.
    assert latents.std() > 0.3 and video.std() > 0.1 and (video.abs() < 0.99).float().mean() > 0.3
    assert (result.latents - latents).abs().max() <= 1e-5
    assert (sampled(result.video) - video).abs().max() <= 1e-5


def test_given_pictures_are_degraded_as_released() -> None:
    """Crop to the aspect, blur, one compression and the cut to even sizes give the released command line's bytes."""
    expected = load_file(RELEASED / "pictures.safetensors")
    sizes = json.loads((RELEASED / "pictures.json").read_text(encoding="utf-8"))
    assert len(sizes) == len(expected) >= 3
    for name, (own_height, own_width, height, width) in sizes.items():
        pixels = torch.from_numpy(picture(7, own_height, own_width)).permute(2, 0, 1)[:, None] / 127.5 - 1
        got = degrade(crop_to_aspect(pixels, height, width))
        assert got.shape[-2:] == expected[name].shape[-2:]
        assert (got - expected[name]).abs().max() <= 1e-5
