"""A pipeline of every real class with few random weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ltx.checkpoint.convert import Checkpoint
from ltx.checkpoint.release import VAE_FIELDS
from ltx.flow import SchedulerConfig
from ltx.transformer import TransformerConfig, VideoTransformer
from ltx.vae import VAEConfig, VideoVAE


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A diffusers folder written by the production writer."""
    torch.manual_seed(0)
    sizes = {"encoder_base_channels": 8, "decoder_base_channels": 8, "latent_channels": 8}
    vae = VideoVAE(VAEConfig.from_dict({**VAE_FIELDS["0.9.5"], **sizes}))
    transformer = VideoTransformer(
        TransformerConfig(
            in_channels=8,
            out_channels=8,
            num_layers=2,
            num_attention_heads=2,
            attention_head_dim=12,
            cross_attention_dim=24,
            caption_channels=16,
            positional_embedding_theta=10_000.0,
            positional_embedding_max_pos=(20.0, 2048.0, 2048.0),
            timestep_scale_multiplier=1000.0,
            causal_temporal_positioning=True,
            norm_eps=1e-6,
        )
    )
    path = tmp_path_factory.mktemp("checkpoint")
    Checkpoint(transformer, vae, SchedulerConfig()).save_pretrained(path)
    return path
