"""Checkpoints of relatives and of other tools: LTX-2, wrapped and averaged weights, the first diffusers releases."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from ltx.bundle.checkpoint import Checkpoint
from ltx.checkpoint import CheckpointError
from ltx.transformer import VideoTransformer
from ltx.vae import VAEConfig
from ltx.vae.diffusers_fields import official as official_fields
from ltx.vae.release import VAE_FIELDS

State = dict[str, Tensor]
PREFIX = "model.diffusion_model."
OLD_VAE = {
    "_class_name": "AutoencoderKLLTXVideo",
    "_diffusers_version": "0.32.0.dev0",
    "block_out_channels": [128, 256, 512, 512],
    "decoder_causal": False,
    "encoder_causal": True,
    "in_channels": 3,
    "latent_channels": 128,
    "layers_per_block": [4, 3, 3, 3, 4],
    "out_channels": 3,
    "patch_size": 4,
    "patch_size_t": 1,
    "resnet_norm_eps": 1e-06,
    "scaling_factor": 1.0,
    "spatio_temporal_scaling": [True, True, True, False],
}
TIMED = {
    "decoder_block_out_channels": [256, 512, 1024],
    "decoder_inject_noise": [True, True, True, False],
    "decoder_layers_per_block": [5, 6, 7, 8],
    "decoder_spatio_temporal_scaling": [True, True, True],
    "timestep_conditioning": True,
    "upsample_factor": [2, 2, 2],
    "upsample_residual": [True, True, True],
}


@pytest.mark.parametrize("known", [True, False])
def test_ltx_2_is_refused_by_what_it_holds(known: bool, official: Path, tmp_path: Path) -> None:
    """With its configuration or without: the error names the sound of it, and nothing is guessed."""
    state = load_file(official)
    state |= {PREFIX + "audio_patchify_proj.weight": torch.zeros(16, 8), "vocoder.conv_pre.weight": torch.zeros(2, 2)}
    with safe_open(official, "pt") as file:
        config = json.loads(file.metadata()["config"])
    config["transformer"] |= {"_class_name": "AVTransformer3DModel", "audio_num_attention_heads": 32}
    save_file(state, tmp_path / "two.safetensors", {"config": json.dumps(config)} if known else {"format": "pt"})
    with pytest.raises(CheckpointError, match=r"audio|AVTransformer"):
        Checkpoint.from_pretrained(tmp_path / "two.safetensors")


@pytest.mark.parametrize(
    ("wrap", "named"),
    [
        (lambda state: {"_orig_mod." + key: value for key, value in state.items()}, "_orig_mod"),
        (lambda state: {"module." + key: value for key, value in state.items()}, "module"),
        (
            lambda state: {re.sub(r"(blocks\.\d+)\.", r"\1._orig_mod.", key): value for key, value in state.items()},
            "_orig_mod",
        ),
        (lambda state: state | {"ema." + key: value.clone() for key, value in state.items()}, r"ema\."),
    ],
)
def test_wrapped_weights_are_read_or_named(
    wrap: Callable[[State], State], named: str, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    """A wrapper that a tool left in the keys is seen through, or said; the weights are never others."""
    checkpoint.save_pretrained(tmp_path)
    file = tmp_path / "transformer/diffusion_pytorch_model.safetensors"
    save_file(wrap(load_file(file)), file, {"format": "pt"})
    try:
        read = VideoTransformer.from_pretrained(tmp_path)
    except CheckpointError as refused:
        assert re.search(named, str(refused))
        return
    expected = checkpoint.transformer.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in read.state_dict().items())


@pytest.mark.parametrize(("more", "release"), [({}, "0.9.0"), (TIMED, "0.9.1")])
def test_the_first_published_fields_are_those_of_the_releases(more: dict[str, object], release: str) -> None:
    """Configurations that diffusers wrote before it had names for most fields."""
    assert VAEConfig.from_dict(official_fields(OLD_VAE | more)) == VAEConfig.from_dict(VAE_FIELDS[release])
