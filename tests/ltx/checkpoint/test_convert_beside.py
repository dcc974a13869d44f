"""What a conversion leaves behind, and which weights warn of what lies beside them."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ltx.bundle.convert import convert
from ltx.checkpoint import save_official
from ltx.checkpoint.read import Weights
from ltx.vae.model import VideoVAE
from ltx.vae.part import VAE
from tests.ltx.checkpoint.test_load import checkpoint, tiny_vae


def test_parts_that_are_not_converted_are_named(tmp_path: Path) -> None:
    """Those that are there, once; none are none."""
    checkpoint().save_pretrained(tmp_path / "folder")
    with warnings.catch_warnings(action="error"):
        assert convert(tmp_path / "folder", tmp_path / "a.safetensors") == "checkpoint"
    for name in ("text_encoder", "latent_upsampler"):
        (tmp_path / "folder" / name).mkdir()
    with pytest.warns(UserWarning, match=r"not part of what is written to .*: text_encoder, latent_upsampler of"):
        convert(tmp_path / "folder", tmp_path / "b")
    assert (tmp_path / "b" / "transformer").is_dir()


def test_a_vae_alone_says_what_lies_beside_it(tmp_path: Path) -> None:
    """Beside a transformer that one does, so that it is said once."""
    path = tmp_path / "a.safetensors"
    save_official(path, [(VAE, tiny_vae())])
    state, metadata = load_file(path), Weights((path,)).metadata
    beside = {"model_ema.x": torch.zeros(1)}
    save_file({**state, **beside}, path, metadata=metadata)
    with pytest.warns(UserWarning, match="also holds what is not read"):
        VideoVAE.from_pretrained(path)
    save_file(
        {**state, **beside, "model.diffusion_model.patchify_proj.weight": torch.zeros(1)}, path, metadata=metadata
    )
    with warnings.catch_warnings(action="error"):
        VideoVAE.from_pretrained(path)
