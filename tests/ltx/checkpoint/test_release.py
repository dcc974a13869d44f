"""What files that do not say what they are show of it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from ltx.bundle.index import notes_in
from ltx.checkpoint import CheckpointError
from ltx.checkpoint.cards import Card, embedded
from ltx.checkpoint.errors import listed
from ltx.checkpoint.load import stored_dtype
from ltx.checkpoint.quantised import check_stored, scaled
from ltx.checkpoint.read import Weights
from ltx.checkpoint.save import folder_content, official_content
from ltx.checkpoint.source import Source
from ltx.transformer.part import TRANSFORMER
from ltx.transformer.release import causal_in_folder, transformer_fields, transformer_layers
from ltx.upsampler.part import UPSAMPLER
from ltx.upsampler.release import upsampler_fields
from ltx.vae.config import VAEConfig
from ltx.vae.diffusers_fields import diffusers, official
from ltx.vae.part import VAE


def weights(folder: Path, name: str, tensors: dict[str, torch.Tensor]) -> Weights:
    save_file(tensors, folder / name)
    return Weights((folder / name,))


def transformer(layers: int) -> dict[str, torch.Tensor]:
    """The tensors that sizes are read from: width 64, 8 channels in, 6 out, captions of 16."""
    blocks = {f"transformer_blocks.{number}.x": torch.zeros(1) for number in range(layers)}
    sizes = {"patchify_proj": (64, 8), "proj_out": (6, 64), "caption_projection.linear_1": (64, 16)}
    return blocks | {f"{name}.weight": torch.zeros(size) for name, size in sizes.items()}


def quiet() -> warnings.catch_warnings:
    return warnings.catch_warnings(action="error")


def test_sizes_of_a_transformer(tmp_path: Path) -> None:
    """32 heads of a 32nd of the width; every block counts."""
    with quiet():
        fields = transformer_fields(weights(tmp_path, "ltx-0.9.5.safetensors", transformer(3)), "")
    names = ("in_channels", "out_channels", "num_layers", "num_attention_heads", "attention_head_dim")
    assert [fields[name] for name in names] == [8, 6, 3, 32, 2]
    assert (fields["cross_attention_dim"], fields["caption_channels"]) == (64, 16)
    assert transformer_layers([]) == 0 and transformer_layers(["transformer_blocks.10.x", "a.3"]) == 11


@pytest.mark.parametrize(
    ("name", "layers", "causal"),
    [("a-0.9.5", 47, True), ("a-0.9.1", 47, False), ("a-0.9.1", 48, True), ("a", 47, None)],
)
def test_positions_are_causal_by_size_or_by_name(name: str, layers: int, causal: bool | None, tmp_path: Path) -> None:
    """13B always, from 0.9.5 on; where nothing says it a warning does."""
    found = weights(tmp_path, f"{name}.safetensors", transformer(layers))
    if causal is None:
        with pytest.warns(UserWarning, match="causal_temporal_positioning = false"):
            assert not transformer_fields(found, "")["causal_temporal_positioning"]
    else:
        with quiet():
            assert transformer_fields(found, "")["causal_temporal_positioning"] == causal


@pytest.mark.parametrize(
    ("generation", "causal"), [({}, False), ({"encoder.down_blocks.1.conv.weight"}, False), (set(), True)]
)
def test_a_vae_in_the_same_file_tells(generation: Any, causal: bool, tmp_path: Path) -> None:
    """0.9.0 has no time embedder, 0.9.1 a strided convolution, later ones neither."""
    keys = {"decoder.up_blocks.0.x"}
    if generation != {}:
        keys |= generation | {"decoder.last_time_embedder.x"}
    tensors = {f"vae.{key}": torch.zeros(1) for key in keys}
    found = weights(tmp_path, "a-0.9.8.safetensors", {**transformer(2), **tensors})
    with quiet():
        assert transformer_fields(found, "")["causal_temporal_positioning"] == causal


@pytest.mark.parametrize(
    ("beside", "fields", "causal"),
    [
        (None, {"num_layers": 48}, True),
        (("vae/config.json", {"down_block_types": ["LTXVideo095DownBlock3D"]}), {"num_layers": 47}, True),
        (("vae/config.json", {"down_block_types": ["LTXVideoDownBlock3D"]}), {}, False),
        (("scheduler/scheduler_config.json", {"use_dynamic_shifting": True}), {}, False),
        (("scheduler/scheduler_config.json", {}), {}, True),
        (None, {"num_layers": 47}, None),
    ],
)
def test_what_lies_beside_a_transformer_tells(
    beside: tuple[str, dict[str, Any]] | None, fields: dict[str, Any], causal: bool | None, tmp_path: Path
) -> None:
    """The size, the VAE, the scheduler, in this order."""
    if beside is not None:
        file = tmp_path / beside[0]
        file.parent.mkdir()
        file.write_text(json.dumps(beside[1]))
    if causal is None:
        with pytest.warns(UserWarning, match="causal_temporal_positioning = false"):
            assert not causal_in_folder(tmp_path / "transformer", fields)
    else:
        with quiet():
            assert causal_in_folder(tmp_path / "transformer", fields) == causal


@pytest.mark.parametrize(("wide", "spatial", "temporal"), [(128, True, False), (64, False, True), (256, True, True)])
def test_an_upsampler_doubles_by_its_channels(wide: int, spatial: bool, temporal: bool, tmp_path: Path) -> None:
    """Four times for a picture, twice for time, eight times for both."""
    tensors = {
        "initial_conv.weight": torch.zeros(32, 8, 3, 3),
        "upsampler.0.weight": torch.zeros(wide, 1),
        "res_blocks.0.x": torch.zeros(1),
        "res_blocks.0.y": torch.zeros(1),
        "res_blocks.1.x": torch.zeros(1),
    }
    assert upsampler_fields(weights(tmp_path, "a.safetensors", tensors)) == {
        "in_channels": 8,
        "mid_channels": 32,
        "num_blocks_per_stage": 2,
        "dims": 2,
        "spatial_upsample": spatial,
        "temporal_upsample": temporal,
    }


def test_most_tensors_decide_the_type(tmp_path: Path) -> None:
    """float8 counts as bfloat16; what is no floating type does not count."""
    one = torch.zeros(1)
    tensors = {"a": one, "b": one.bfloat16(), "c": one.to(torch.float8_e4m3fn), "d": one.int(), "e": one.int()}
    found = weights(tmp_path, "a.safetensors", tensors)
    assert stored_dtype(found, "abc") is torch.bfloat16 and stored_dtype(found, "ab"[:1]) is torch.float32
    assert stored_dtype(found, "ade") is torch.float32 and stored_dtype(found, "bde") is torch.bfloat16
    assert stored_dtype(found, "de") is torch.float32


def test_only_matrices_of_integers_are_quantised(tmp_path: Path) -> None:
    """A vector of integers may be anything, and a matrix of floats is one."""
    tensors = {"vector": torch.zeros(2).int(), "matrix": torch.zeros(2, 2), "packed": torch.zeros(2, 2).int()}
    found = weights(tmp_path, "a.safetensors", tensors)
    check_stored(found, ["vector", "matrix"])
    with pytest.raises(CheckpointError, match=r"packed of .* is stored as I32"):
        check_stored(found, ["packed"])


def test_a_scale_is_one_or_one_for_each_output() -> None:
    """A row of as many is for the inputs, and refused."""
    stored = torch.ones(3, 2, 2)
    assert scaled("a", stored, torch.tensor([[2.0]])).eq(2).all()
    assert scaled("a", stored, torch.tensor([1.0, 2.0, 3.0]))[:, 1, 1].tolist() == [1, 2, 3]
    for shape in ((1, 3), (2,), (4,)):
        with pytest.raises(CheckpointError, match="one for each of its 3 output channels"):
            scaled("a", stored, torch.ones(shape))


def test_eight_names_are_listed_whole() -> None:
    """A ninth is counted."""
    assert listed("hgfedcba") == "a, b, c, d, e, f, g, h"
    assert listed("ihgfedcba") == "a, b, c, d, e, f, g, h, … (9 in all)"


@pytest.mark.parametrize("fields", [{"_sources": ["a"]}, {"_preset": 3}])
def test_notes_of_another_kind_are_refused(fields: dict[str, Any]) -> None:
    """Each by itself; none at all are none."""
    with pytest.raises(CheckpointError, match="expected an object _sources and a name _preset in x"):
        notes_in(fields, "x")
    notes = notes_in({"_sources": None}, "x")
    assert (dict(notes.sources), notes.preset) == ({}, None)


@pytest.mark.parametrize("package", ["this", "no_such_package_anywhere", "ltx"])
def test_a_model_of_a_package_without_it_is_named(package: str) -> None:
    """A module that is no package, none at all, and one without that folder."""
    with pytest.raises(CheckpointError, match=f"ships with the package {package}"):
        embedded("small", Card(package=package, folder="no/such/folder"))


@pytest.mark.parametrize("key", ["a.base_layer.weight", "a.lora_A.weight"])
def test_wrapped_layers_are_not_written(key: str) -> None:
    """Whichever part of a name shows it."""
    with pytest.raises(CheckpointError, match="detach or merge it"):
        folder_content({key: torch.ones(1)}, None, UPSAMPLER)


@pytest.mark.parametrize(("beside", "extra"), [(True, {}), (False, {"scheduler": {}})])
def test_nothing_is_put_beside_an_upsampler(beside: bool, extra: dict[str, Any]) -> None:
    """Neither another model nor other settings."""
    models: list[Any] = [(UPSAMPLER, {}, VAEConfig((), ()))]
    models += [(VAE, {}, VAEConfig((), ()))] if beside else []
    with pytest.raises(CheckpointError, match="file of its own, without other models"):
        official_content(models, extra)
    assert official_content(models[:1], {})[0] == {}


def test_without_a_prefix_a_part_owns_what_no_other_has(tmp_path: Path) -> None:
    """Neither the keys of another part nor what is known to be of none."""
    keys = ("own.weight", "vae.decoder.x", "first_stage_model.x", "model_ema.x", "text_encoder.x")
    found = weights(tmp_path, "a.safetensors", {key: torch.zeros(1) for key in keys})
    plain = Source(TRANSFORMER, found, "official", "", {})
    assert plain.names(None) == {"own.weight": "own.weight"}
    assert Source(VAE, found, "official", "vae.", {}).names(None) == {"decoder.x": "vae.decoder.x"}
    with pytest.warns(UserWarning, match=r"\(EMA\) \(1 tensors, model_ema\.x.*text encoder"):
        plain.warn_unread()
    with pytest.warns(UserWarning, match="other tensors: own.weight$"):
        others = weights(tmp_path, "b.safetensors", {"own.weight": torch.zeros(1), "vae.x": torch.zeros(1)})
        Source(VAE, others, "official", "vae.", {}).warn_unread()
    with quiet():
        Source(VAE, weights(tmp_path, "c.safetensors", {"vae.x": torch.zeros(1)}), "official", "vae.", {}).warn_unread()


SHUFFLED = {
    "block_out_channels": (128, 256),
    "down_block_types": ("LTXVideo095DownBlock3D",),
    "layers_per_block": (1, 1),
    "spatio_temporal_scaling": (True,),
    "downsample_type": ("spatial",),
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({**SHUFFLED, "spatio_temporal_scaling": (False,)}, "downsampled by shuffling"),
        ({**SHUFFLED, "downsample_type": ("conv",)}, "downsampled by shuffling"),
        ({"upsample_factor": (1, 1, 1, 2)}, "expected upsample_factor 1 where level 0 of the decoder"),
        ({"block_out_channels": (128, 0, 512, 512)}, "multiples of one another"),
        ({"block_out_channels": (0, 128, 512, 512)}, "multiples of one another, got 0 and 128"),
        ({"block_out_channels": (128, 300, 600, 600)}, "got 128 and 300"),
    ],
)
def test_other_levels_of_a_vae_are_refused(change: dict[str, Any], message: str) -> None:
    """Each for what it is."""
    with pytest.raises(CheckpointError, match=message):
        official(change)
    assert official(SHUFFLED)["encoder_blocks"] == [
        ["res_x", {"num_layers": 1}],
        ["compress_space_res", {"multiplier": 2}],
        ["res_x", {"num_layers": 1}],
    ]


RES, NARROW, UP = ["res_x", 1], ["res_x_y", 1], ["compress_all", {"residual": True, "multiplier": 2}]
IN = [RES, NARROW, RES, RES]


@pytest.mark.parametrize(
    ("encoder", "decoder", "timed", "written"),
    [
        (IN, [RES, NARROW, RES, RES], False, True),
        # The deepest level narrows; narrows twice; with a timestep; with noise.
        (IN, [RES, RES, NARROW, RES], False, False),
        (IN, [RES, UP, NARROW, RES, RES], False, False),
        (IN, [RES, NARROW, RES, RES], True, False),
        (IN, [["res_x", {"num_layers": 1, "inject_noise": True}], NARROW, RES, RES], False, False),
        # The way in: no level, a factor on a strided step, shuffled and widened, strided in time alone.
        ([RES], [RES], False, False),
        ([RES, ["compress_all", {"multiplier": 2}], RES, RES], [RES], False, False),
        ([RES, ["compress_all_res", 1], NARROW, RES], [RES], False, False),
        ([RES, ["compress_time", 1], RES, RES], [RES], False, False),
        ([], [RES], False, False),
        ([NARROW, RES], [RES], False, False),
    ],
)
def test_what_diffusers_can_build(encoder: list[Any], decoder: list[Any], timed: bool, written: bool) -> None:
    """Everything else is written in the official layout."""
    config = VAEConfig.from_dict({"encoder_blocks": encoder, "decoder_blocks": decoder, "timestep_conditioning": timed})
    if written:
        assert VAEConfig.from_dict(official(diffusers(config))) == config
    else:
        with pytest.raises(CheckpointError, match="write the official layout instead"):
            diffusers(config)
