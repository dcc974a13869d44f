from functools import cache
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLLTXVideo, LTXVideoTransformer3DModel

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.rename import Renaming, Rule
from ltx.transformer.config import TransformerConfig
from ltx.transformer.keys import RENAMING
from ltx.transformer.model import VideoTransformer
from ltx.transformer.release import transformer_layers
from ltx.vae import diffusers_fields
from ltx.vae.config import VAEConfig
from ltx.vae.keys import vae_renaming
from ltx.vae.model import VideoVAE
from ltx.vae.release import VAE_FIELDS, vae_generation

T, F = True, False
TIMED: dict[str, Any] = {
    "decoder_block_out_channels": (256, 512, 1024),
    "decoder_spatio_temporal_scaling": (T, T, T),
    "upsample_residual": (T, T, T),
    "upsample_factor": (2, 2, 2),
    "timestep_conditioning": True,
}
# The published diffusers configurations and the sizes of their state dicts.
DIFFUSERS_VAE: dict[str, tuple[dict[str, Any], int, int]] = {
    "0.9.0": ({}, 190, 419_193_649),
    "0.9.1": (
        {**TIMED, "decoder_layers_per_block": (5, 6, 7, 8), "decoder_inject_noise": (T, T, T, F)},
        294,
        934_976_434,
    ),
    "0.9.5": (
        {
            **TIMED,
            "decoder_layers_per_block": (5, 5, 5, 5),
            "decoder_inject_noise": (F, F, F, F),
            "block_out_channels": (128, 256, 512, 1024, 2048),
            "down_block_types": ("LTXVideo095DownBlock3D",) * 4,
            "layers_per_block": (4, 6, 6, 2, 2),
            "spatio_temporal_scaling": (T, T, T, T),
            "downsample_type": ("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
            "spatial_compression_ratio": 32,
            "temporal_compression_ratio": 8,
        },
        226,
        1_246_913_522,
    ),
}
TRANSFORMERS = {
    "2B": (TransformerConfig.ltx_2b(causal_temporal_positioning=False), 715, 1_923_385_472),
    "13B": (TransformerConfig.ltx_13b(), 1215, 13_042_569_344),
}


def shapes(model: torch.nn.Module) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in model.state_dict().items()}


@cache
def vaes(generation: str) -> tuple[VAEConfig, dict[str, torch.Size], dict[str, torch.Size]]:
    config = VAEConfig.from_dict(VAE_FIELDS[generation])
    with torch.device("meta"):
        return config, shapes(VideoVAE(config)), shapes(AutoencoderKLLTXVideo(**DIFFUSERS_VAE[generation][0]))


@pytest.mark.parametrize("generation", DIFFUSERS_VAE)
def test_every_vae_key_maps_both_ways(generation: str) -> None:
    """At full size, every key of one world has exactly one of the other, of the same shape, and the way back."""
    config, ours, theirs = vaes(generation)
    renaming = vae_renaming(config)
    forward, backward = renaming.to_diffusers(ours), renaming.to_official(theirs)
    assert {forward[name]: shape for name, shape in ours.items()} == theirs
    assert {backward[name]: shape for name, shape in theirs.items()} == ours
    assert {official: name for name, official in backward.items()} == forward


@pytest.mark.parametrize("generation", DIFFUSERS_VAE)
def test_vaes_have_the_released_sizes(generation: str) -> None:
    """Number of tensors and of parameters of each generation, statistics apart from the parameters."""
    _, tensors, parameters = DIFFUSERS_VAE[generation]
    _, ours, _ = vaes(generation)
    assert len(ours) == tensors
    counted = sum(shape.numel() for name, shape in ours.items() if not name.startswith("per_channel_statistics"))
    assert counted == parameters


@pytest.mark.parametrize("generation", DIFFUSERS_VAE)
def test_vae_fields_map_both_ways(generation: str) -> None:
    """The published diffusers configuration means the official block lists, and those give it back."""
    config = VAEConfig.from_dict(VAE_FIELDS[generation])
    with torch.device("meta"):
        published = dict(AutoencoderKLLTXVideo(**DIFFUSERS_VAE[generation][0]).config)
    assert VAEConfig.from_dict(diffusers_fields.official(published)) == config
    written = diffusers_fields.diffusers(config)
    assert VAEConfig.from_dict(diffusers_fields.official(written)) == config
    with torch.device("meta"):
        built = AutoencoderKLLTXVideo(**{k: v for k, v in written.items() if not k.startswith("_")})
    assert shapes(built) == vaes(generation)[2]
    assert (built.spatial_compression_ratio, built.temporal_compression_ratio) == (32, 8)


@pytest.mark.parametrize("generation", DIFFUSERS_VAE)
def test_a_vae_tells_its_generation_by_its_keys(generation: str) -> None:
    """No metadata is needed to know a VAE."""
    assert vae_generation(vaes(generation)[1]) == generation


def test_no_vae_has_no_generation() -> None:
    """A transformer's keys are not taken for a VAE."""
    assert vae_generation({"patchify_proj.weight"}) is None


@pytest.mark.parametrize("size", TRANSFORMERS)
def test_every_transformer_key_maps_both_ways(size: str) -> None:
    """At full size, every key has exactly one counterpart of the same shape, and the sizes are the released ones."""
    config, tensors, parameters = TRANSFORMERS[size]
    fields = {
        k: v for k, v in config.to_diffusers_dict().items() if k not in {"_class_name", "causal_temporal_positioning"}
    }
    with torch.device("meta"):
        model = VideoTransformer(config)
        ours, theirs = shapes(model), shapes(LTXVideoTransformer3DModel(**fields))
    forward, backward = RENAMING.to_diffusers(ours), RENAMING.to_official(theirs)
    assert {forward[name]: shape for name, shape in ours.items()} == theirs
    assert {backward[name]: shape for name, shape in theirs.items()} == ours
    assert len(ours) == tensors
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert transformer_layers(ours) == config.num_layers


@pytest.mark.parametrize(
    ("official", "diffusers"),
    [
        ("patchify_proj.weight", "proj_in.weight"),
        ("adaln_single.linear.bias", "time_embed.linear.bias"),
        ("transformer_blocks.27.attn2.q_norm.weight", "transformer_blocks.27.attn2.norm_q.weight"),
        ("transformer_blocks.3.ff.net.0.proj.weight", "transformer_blocks.3.ff.net.0.proj.weight"),
    ],
)
def test_transformer_names_by_hand(official: str, diffusers: str) -> None:
    """The four renames of the releases, and one name that stays."""
    assert RENAMING.to_diffusers([official]) == {official: diffusers}
    assert RENAMING.to_official([diffusers]) == {diffusers: official}


@pytest.mark.parametrize(
    ("generation", "official", "diffusers"),
    [
        ("0.9.0", "encoder.down_blocks.5.norm3.norm.weight", "encoder.down_blocks.1.conv_out.norm3.weight"),
        ("0.9.0", "encoder.down_blocks.1.conv.bias", "encoder.down_blocks.0.downsamplers.0.conv.bias"),
        ("0.9.0", "decoder.up_blocks.4.conv_shortcut.weight", "decoder.up_blocks.2.conv_in.conv_shortcut.conv.weight"),
        (
            "0.9.1",
            "decoder.up_blocks.2.res_blocks.6.per_channel_scale2",
            "decoder.up_blocks.0.resnets.6.per_channel_scale2",
        ),
        ("0.9.1", "decoder.last_scale_shift_table", "decoder.scale_shift_table"),
        ("0.9.5", "encoder.down_blocks.7.conv.conv.weight", "encoder.down_blocks.3.downsamplers.0.conv.conv.weight"),
        ("0.9.5", "encoder.down_blocks.8.res_blocks.1.conv2.conv.bias", "encoder.mid_block.resnets.1.conv2.conv.bias"),
        ("0.9.5", "decoder.up_blocks.3.conv.conv.weight", "decoder.up_blocks.1.upsamplers.0.conv.conv.weight"),
        ("0.9.5", "per_channel_statistics.mean-of-means", "latents_mean"),
    ],
)
def test_vae_names_by_hand(generation: str, official: str, diffusers: str) -> None:
    """Rows of the released index maps."""
    renaming = vae_renaming(vaes(generation)[0])
    assert renaming.to_diffusers([official]) == {official: diffusers}
    assert renaming.to_official([diffusers]) == {diffusers: official}


def test_unknown_keys_are_listed() -> None:
    """A key of another model is an error that names it, never a key left out."""
    with pytest.raises(CheckpointError, match=r"no rule knows these official keys.*double_blocks\.0\.img_attn\.weight"):
        RENAMING.to_diffusers(["patchify_proj.weight", "double_blocks.0.img_attn.weight"])


def test_ambiguous_rules_are_an_error() -> None:
    """A key that two rules match is never renamed by whichever comes first."""
    renaming = Renaming((Rule("a.{i}.{leaf}", "b.{i}.{leaf}"), Rule("a.0.{leaf}", "c.{leaf}")))
    with pytest.raises(CheckpointError, match=r"more than one rule.*a\.0\.weight"):
        renaming.to_diffusers(["a.0.weight"])


def test_a_template_matches_whole_keys_only() -> None:
    """No rule renames a part of a longer name."""
    renaming = Renaming((Rule("x.{leaf}", "y.{leaf}"),))
    assert renaming.to_diffusers(["x.weight"]) == {"x.weight": "y.weight"}
    for key in ("ax.weight", "x.weight.scale", "x.weights", "x_weight"):
        with pytest.raises(CheckpointError, match="no rule"):
            renaming.to_diffusers([key])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"surprise": 1}, "unknown fields.*surprise"),
        ({"decoder_causal": True}, "expected decoder_causal = False"),
        ({"down_block_types": ("LTXVideoDownBlock3D", "LTXVideo095DownBlock3D")}, "expected down_block_types all"),
        ({"block_out_channels": (128, 200, 512, 512)}, "multiples of one another"),
    ],
)
def test_other_vae_configurations_are_refused(change: dict[str, Any], message: str) -> None:
    """A configuration no LTX-Video VAE has is named, not guessed at."""
    with pytest.raises(CheckpointError, match=message):
        diffusers_fields.official(change)


@pytest.mark.parametrize(
    "change",
    [
        {"encoder_blocks": [["res_x", 1], ["res_x_y", 1], ["compress_all", 1], ["res_x", 1]]},
        {"decoder_blocks": [["compress_all", 1], ["res_x", 1]]},
        {"decoder_blocks": [["res_x", 1], ["compress_time", 1], ["res_x", 1]]},
    ],
)
def test_block_lists_that_diffusers_cannot_build_are_named(change: dict[str, Any]) -> None:
    """Writing such a VAE in diffusers' layout is refused with the way out."""
    config = VAEConfig.from_dict({**VAE_FIELDS["0.9.0"], **change})
    with pytest.raises(CheckpointError, match="write the official layout instead"):
        diffusers_fields.diffusers(config)
