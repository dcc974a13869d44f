"""A world model of every real class with few random weights, and a simulated clip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from adapters import ComposeConfig, LatentConfig, ModelPair, QueriesConfig, build_adapter
from foresight.physics import PhysicsConfig, make_clip
from foresight.physics.language import all_instructions
from foresight.vlm.encoder import QwenEncoder
from foresight.vlm.preprocess import Preprocessing
from foresight.vlm.prompts import NEXT
from foresight.vlm.small import SmallQwenConfig, small_encoder
from foresight.vlm.tokenizer import train_tokenizer
from foresight.world.sampling_config import SamplingConfig
from foresight.world.world_model import WorldModel
from ltx.text.small import small_text_encoder
from ltx.transformer import VideoTransformer
from ltx.vae import VAEConfig, VideoVAE
from tests.small import UNTRAINED, sampling_config, transformer_config

EXTENT = (4.0, 64.0, 64.0)
PAIRING = ModelPair("small-qwen", 32, 32, (2,), "small-ltx", 8, 16)

VAE = {
    "latent_channels": 8,
    "patch_size": 4,
    "timestep_conditioning": True,
    "encoder_base_channels": 8,
    "decoder_base_channels": 8,
    "encoder_blocks": [
        ["compress_space_res", {"multiplier": 2}],
        ["compress_time_res", {"multiplier": 1}],
        ["compress_all_res", {"multiplier": 1}],
        ["compress_all_res", {"multiplier": 2}],
        ["res_x", {"num_layers": 1}],
    ],
    "decoder_blocks": [
        ["res_x", {"num_layers": 1, "inject_noise": False}],
        ["compress_all", {"residual": True, "multiplier": 2}],
        ["compress_all", {"residual": True, "multiplier": 1}],
        ["compress_all", {"residual": True, "multiplier": 2}],
        ["res_x", {"num_layers": 1, "inject_noise": False}],
    ],
}
TRANSFORMER = transformer_config(
    num_attention_heads=2, attention_head_dim=12, positional_embedding_max_pos=(4.0, 64.0, 64.0)
)
SAMPLING = sampling_config(steps=3, **UNTRAINED)
LATENT = LatentConfig(pairing=PAIRING, width=16, heads=2, depth=1, extent=EXTENT, geometry=True)
QUERIES = QueriesConfig(pairing=PAIRING, queries=4, width=16, heads=2, depth=1, extent=EXTENT, placement="append")
COMPOSED = ComposeConfig((LATENT, QUERIES))
POLICY = Preprocessing(
    frames_per_second=4.0,
    min_frames=2,
    max_frames=8,
    image_pixels=(56 * 56, 56 * 56),
    video_pixels=(56 * 56, 56 * 56),
    video_tokens=None,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
)
QWEN = SmallQwenConfig(
    hidden_size=32,
    layers=2,
    heads=2,
    key_value_heads=1,
    intermediate_size=32,
    vision_hidden_size=32,
    vision_layers=2,
    vision_heads=2,
    vision_intermediate_size=32,
    rope_theta=1e4,
)


def small_qwen(layers: Any = "last") -> QwenEncoder:
    """The encoder with seeded random weights."""
    tokenizer = train_tokenizer([*all_instructions(), NEXT], vocabulary=400)
    return small_encoder(config=QWEN, tokenizer=tokenizer, preprocessing=POLICY, layers=layers, seed=5).eval()


def moved(module: torch.nn.Module, seed: int) -> torch.nn.Module:
    """The module with noise on every weight, so that nothing stays at a start of zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return module


@pytest.fixture
def qwen() -> Callable[..., QwenEncoder]:
    """A maker of small encoders: `qwen(layers=[0, 2])`."""
    return small_qwen


@pytest.fixture
def make_world() -> Callable[..., WorldModel]:
    """A maker of world models; `adapter` is a configuration or None, `sampling` how it is run."""

    def make(adapter: Any = COMPOSED, sampling: SamplingConfig = SAMPLING) -> WorldModel:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            vae = moved(VideoVAE(VAEConfig.from_dict(VAE)), 2)
            transformer = moved(VideoTransformer(TRANSFORMER), 3)
            joined = None if adapter is None else moved(build_adapter(adapter), 4)
        assert isinstance(vae, VideoVAE) and isinstance(transformer, VideoTransformer)
        text = small_text_encoder(all_instructions(), width=16, layers=1, max_tokens=16, vocabulary=160, seed=6)
        return WorldModel(
            vae=vae,
            transformer=transformer,
            text_encoder=text,
            vlm=None if joined is None else small_qwen(),
            adapter=joined,  # type: ignore[arg-type]
            sampling_config=sampling,
        )

    return make


@pytest.fixture
def world(make_world: Callable[..., WorldModel]) -> WorldModel:
    """A world model with a forecast and context tokens."""
    return make_world()


@pytest.fixture(scope="session")
def clip() -> Tensor:
    """25 simulated frames of 64×64 at 8 a second, in [−1, 1]."""
    return make_clip(7, PhysicsConfig()).tensor
