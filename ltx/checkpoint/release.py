"""Telling the releases apart by the names and shapes of their weights, for files that do not say what they are."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.identity import named
from ltx.checkpoint.read import Weights, read_object

_STRIDED_ENCODER: list[Any] = [
    ["res_x", 4],
    ["compress_all", 1],
    ["res_x_y", 1],
    ["res_x", 3],
    ["compress_all", 1],
    ["res_x_y", 1],
    ["res_x", 3],
    ["compress_all", 1],
    ["res_x", 3],
    ["res_x", 4],
]
_RESIDUAL_UPSAMPLER: list[Any] = ["compress_all", {"residual": True, "multiplier": 2}]


def _timed_decoder(layers: tuple[int, int, int, int], noise: tuple[bool, bool, bool, bool]) -> list[Any]:
    blocks: list[Any] = []
    for count, noisy in zip(layers, noise, strict=True):
        blocks += [["res_x", {"num_layers": count, "inject_noise": noisy}], _RESIDUAL_UPSAMPLER]
    return blocks[:-1]


VAE_FIELDS: dict[str, dict[str, Any]] = {
    "0.9.0": {
        # `res_x_y` 1 counts layers; its factor is the default 2.
        "encoder_blocks": _STRIDED_ENCODER,
        "decoder_blocks": _STRIDED_ENCODER,
        "timestep_conditioning": False,
    },
    "0.9.1": {
        "encoder_blocks": _STRIDED_ENCODER,
        "decoder_blocks": _timed_decoder((5, 6, 7, 8), (True, True, True, False)),
        "timestep_conditioning": True,
    },
    "0.9.5": {
        "encoder_blocks": [
            ["res_x", {"num_layers": 4}],
            ["compress_space_res", {"multiplier": 2}],
            ["res_x", {"num_layers": 6}],
            ["compress_time_res", {"multiplier": 2}],
            ["res_x", {"num_layers": 6}],
            ["compress_all_res", {"multiplier": 2}],
            ["res_x", {"num_layers": 2}],
            ["compress_all_res", {"multiplier": 2}],
            ["res_x", {"num_layers": 2}],
        ],
        "decoder_blocks": _timed_decoder((5, 5, 5, 5), (False, False, False, False)),
        "timestep_conditioning": True,
    },
}
"""Official fields of the three VAE generations; the last is that of 0.9.5, 0.9.6, 0.9.7 and 0.9.8."""


def vae_generation(names: Collection[str]) -> str | None:
    """The generation of a VAE from its official names without prefix; None if this is no VAE of LTX-Video."""
    if not any(name.startswith("decoder.up_blocks.") for name in names):
        return None
    if not any(name.startswith("decoder.last_time_embedder.") for name in names):
        return "0.9.0"
    # Only 0.9.1 still shrinks with one strided convolution per level (`conv` once in the name).
    return "0.9.1" if "encoder.down_blocks.1.conv.weight" in names else "0.9.5"


def transformer_layers(names: Collection[str]) -> int:
    """Number of blocks in a set of official names without prefix."""
    matches = (re.match(r"transformer_blocks\.(\d+)\.", name) for name in names)
    return 1 + max((int(match[1]) for match in matches if match), default=-1)


def vae_fields(weights: Weights, prefix: str) -> dict[str, Any]:
    """Official fields of a VAE whose file carries none."""
    generation = vae_generation({key.removeprefix(prefix) for key in weights if key.startswith(prefix)})
    if generation is None:
        raise CheckpointError(f"cannot tell which VAE {weights.where} holds: it has no decoder.up_blocks")
    return dict(VAE_FIELDS[generation])


def transformer_fields(weights: Weights, prefix: str) -> dict[str, Any]:
    """Official fields of a transformer whose file carries none: sizes from shapes, the rest as in every release."""
    try:
        width, in_channels = weights.shape(f"{prefix}patchify_proj.weight")
        out_channels, _ = weights.shape(f"{prefix}proj_out.weight")
        _, caption = weights.shape(f"{prefix}caption_projection.linear_1.weight")
    except KeyError as error:
        raise CheckpointError(f"cannot tell which transformer {weights.where} holds: it lacks {error}") from error
    layers = transformer_layers({key.removeprefix(prefix) for key in weights})
    return {
        "in_channels": in_channels,
        "out_channels": out_channels,
        "num_layers": layers,
        "num_attention_heads": 32,
        "attention_head_dim": width // 32,
        "cross_attention_dim": width,
        "caption_channels": caption,
        "positional_embedding_theta": 10000.0,
        "positional_embedding_max_pos": [20, 2048, 2048],
        "timestep_scale_multiplier": 1000,
        "norm_eps": 1e-6,
        "causal_temporal_positioning": _causal_in_file(weights, layers),
    }


def upsampler_fields(weights: Weights) -> dict[str, Any]:
    """Fields of a latent upsampler whose file carries none, all from shapes."""
    try:
        mid, channels, *kernel = weights.shape("initial_conv.weight")
        wide = weights.shape("upsampler.0.weight")[0]
    except KeyError as error:
        raise CheckpointError(f"cannot tell which upsampler {weights.where} holds: it lacks {error}") from error
    blocks = {match[1] for key in weights if (match := re.match(r"res_blocks\.(\d+)\.", key))}
    factor = wide // mid
    return {
        "in_channels": channels,
        "mid_channels": mid,
        "num_blocks_per_stage": len(blocks),
        "dims": len(kernel),
        "spatial_upsample": factor in (4, 8),
        "temporal_upsample": factor in (2, 8),
    }


def _causal_in_file(weights: Weights, layers: int) -> bool:
    """Whether frame positions are causal: from the size, the VAE in the same file, or the release in its name."""
    if layers >= 48:
        return True
    generation = vae_generation({key.removeprefix("vae.") for key in weights if key.startswith("vae.")})
    if generation is not None:
        return generation == "0.9.5"
    if versions := named(weights.files[0].name).versions:
        return versions[0] >= "0.9.5"
    return _not_causal(weights.where)


def causal_in_folder(folder: Path, fields: Mapping[str, Any]) -> bool:
    """The same for a transformer folder in diffusers layout, which has the VAE and the scheduler beside it."""
    if fields.get("num_layers", 0) >= 48:
        return True
    if (vae := folder.parent / "vae" / "config.json").is_file():
        return "LTXVideo095DownBlock3D" in read_object(vae).get("down_block_types", ())
    if (scheduler := folder.parent / "scheduler" / "scheduler_config.json").is_file():
        return not read_object(scheduler).get("use_dynamic_shifting", False)
    return _not_causal(str(folder))


def _not_causal(where: str) -> bool:
    warnings.warn(
        f"{where} does not say whether its transformer was trained with causal frame positions (releases from 0.9.5 "
        "on), and no VAE or scheduler beside it tells; taking causal_temporal_positioning = false",
        stacklevel=2,
    )
    return False
