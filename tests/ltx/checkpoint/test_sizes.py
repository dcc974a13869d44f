"""Files that do not say, say wrongly, or have no words for what the model in them is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ltx.checkpoint import CheckpointError, Part
from ltx.transformer.model import VideoTransformer
from ltx.transformer.part import TRANSFORMER
from ltx.upsampler.model import LatentUpsampler
from ltx.upsampler.part import UPSAMPLER
from ltx.vae.model import VideoVAE
from ltx.vae.part import VAE
from tests.small import transformer_config, vae_config

TINY = transformer_config(num_layers=1)
BLOCKS = [["res_x", 1], ["compress_all", 1], ["res_x", 1]]


def tiny(part: Part) -> Any:
    """A transformer or a VAE."""
    if part is TRANSFORMER:
        return VideoTransformer(TINY)
    return VideoVAE(vae_config("0.9.0", encoder_blocks=BLOCKS, decoder_blocks=BLOCKS))


def prefixed(part: Part, model: nn.Module) -> dict[str, torch.Tensor]:
    return {f"{part.prefixes[0]}{key}": tensor for key, tensor in model.state_dict().items()}


@pytest.mark.parametrize(("part", "name"), [(TRANSFORMER, "num_layers"), (VAE, "patch_size"), (VAE, "latent_channels")])
def test_damaged_configurations_are_named(part: Part, name: str, tmp_path: Path) -> None:
    """A field of another kind is told with the part and the file that says it."""
    model = tiny(part)
    config = {part.name: {**model.config.to_dict(), name: "two"}}
    save_file(prefixed(part, model), tmp_path / "odd.safetensors", metadata={"config": json.dumps(config)})
    with pytest.raises(CheckpointError, match=rf"the {part.name} configuration of .*odd\.safetensors"):
        type(model).from_pretrained(tmp_path / "odd.safetensors")


@pytest.mark.parametrize(
    ("part", "reader", "lost"),
    [
        (TRANSFORMER, VideoTransformer, "caption_projection.linear_1.weight"),
        (VAE, VideoVAE, "decoder.up_blocks"),
        (UPSAMPLER, LatentUpsampler, "upsampler.0.weight"),
    ],
)
def test_files_from_which_no_sizes_can_be_told_are_named(part: Part, reader: Any, lost: str, tmp_path: Path) -> None:
    """Without a configuration, sizes come from shapes: what lacks the tensor that says them is named with it."""
    if part is UPSAMPLER:
        state = {"initial_conv.weight": torch.zeros(16, 8, 3, 3), UPSAMPLER.official_anchor: torch.zeros(1)}
    else:
        state = {key: tensor for key, tensor in prefixed(part, tiny(part)).items() if lost not in key}
    save_file(state, tmp_path / "bare.safetensors")
    with pytest.raises(CheckpointError, match=rf"cannot tell which \w+ .*bare\.safetensors holds: it .*{lost}"):
        reader.from_pretrained(tmp_path / "bare.safetensors")


def test_diffusers_names_without_configuration_are_refused(tmp_path: Path) -> None:
    """A file taken out of a folder of diffusers says nothing of its sizes."""
    tiny(TRANSFORMER).save_pretrained(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"has diffusers' names but no config\.json beside it"):
        VideoTransformer.from_pretrained(tmp_path)


def test_what_diffusers_would_read_as_another_model_has_official_fields(tmp_path: Path) -> None:
    """Its class fixes numbers that a configuration here can change: such a model is written and read without it."""
    model = VideoTransformer(replace(TINY, positional_embedding_theta=1000.0))
    model.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["_class_name"] == TRANSFORMER.official_class
    assert VideoTransformer.from_pretrained(tmp_path).config == model.config


def test_what_else_is_in_a_file_is_said(tmp_path: Path) -> None:
    """Averaged weights and a text encoder beside the model are not read, and that is said once."""
    model = tiny(TRANSFORMER)
    others = {"model_ema.decay": torch.zeros(1), "text_encoders.t5xxl.shared.weight": torch.zeros(1)}
    config = {"transformer": model.config.to_dict()}
    file = tmp_path / "all.safetensors"
    save_file({**prefixed(TRANSFORMER, model), **others}, file, metadata={"config": json.dumps(config)})
    with pytest.warns(UserWarning, match=r"also holds what is not read: averaged .* a text encoder.*text_encoder="):
        VideoTransformer.from_pretrained(file)
