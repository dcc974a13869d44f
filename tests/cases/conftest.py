"""A tiny checkpoint with the structure of the releases, and the official file of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ltx.bundle.checkpoint import Checkpoint
from ltx.flow import SchedulerConfig
from ltx.transformer import VideoTransformer
from ltx.vae import VideoVAE
from tests.small import transformer_config, vae_config


@pytest.fixture
def checkpoint() -> Checkpoint:
    torch.manual_seed(0)
    return Checkpoint(VideoTransformer(transformer_config()), VideoVAE(vae_config()), SchedulerConfig())


@pytest.fixture
def official(checkpoint: Checkpoint, tmp_path: Path) -> Path:
    checkpoint.save_official(tmp_path / "official.safetensors")
    return tmp_path / "official.safetensors"
