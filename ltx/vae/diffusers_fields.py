"""VAE configuration: official block lists ↔ the fields of diffusers' AutoencoderKLLTXVideo."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from ltx.checkpoint.errors import CheckpointError, listed
from ltx.vae.config import VAEConfig
from ltx.vae.diffusers_levels import decoder_levels, encoder_levels, inexpressible

CLASS = "AutoencoderKLLTXVideo"
STRIDED, SHUFFLED = "LTXVideoDownBlock3D", "LTXVideo095DownBlock3D"
DOWNSAMPLERS = {
    "spatial": "compress_space_res",
    "temporal": "compress_time_res",
    "spatiotemporal": "compress_all_res",
}

_CONSTANTS: dict[str, Any] = {
    "_class_name": CLASS,
    "in_channels": 3,
    "out_channels": 3,
    "patch_size_t": 1,
    "resnet_norm_eps": 1e-6,
    "scaling_factor": 1.0,
    "encoder_causal": True,
    "decoder_causal": False,
}

_DEFAULTS: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": (STRIDED,) * 4,
    "layers_per_block": (4, 3, 3, 3, 4),
    "spatio_temporal_scaling": (True, True, True, False),
    "downsample_type": ("conv",) * 4,
    "decoder_block_out_channels": (128, 256, 512, 512),
    "decoder_layers_per_block": (4, 3, 3, 3, 4),
    "decoder_spatio_temporal_scaling": (True, True, True, False),
    "decoder_inject_noise": (False,) * 5,
    "upsample_residual": (False,) * 4,
    "upsample_factor": (1,) * 4,
    "latent_channels": 128,
    "patch_size": 4,
    "timestep_conditioning": False,
}
"""What an absent field means: generation 0.9.0."""

_DERIVED = ("spatial_compression_ratio", "temporal_compression_ratio")


def official(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The official `vae` object of a diffusers `config.json`.

    Raises:
        CheckpointError: for unknown fields and for values that no LTX-Video VAE has.
    """
    given = {name: value for name, value in fields.items() if name == "_class_name" or not name.startswith("_")}
    known = {*_CONSTANTS, *_DEFAULTS, *_DERIVED}
    if unknown := set(given) - known:
        raise CheckpointError(f"unknown fields in the diffusers VAE configuration: {listed(unknown)}")
    for name, expected in _CONSTANTS.items():
        if given.get(name, expected) != expected:
            raise CheckpointError(f"expected {name} = {expected!r} in the VAE configuration, got {given[name]!r}")
    values = {**_DEFAULTS, **given}
    encoder, encoder_base = _encoder_list(values)
    decoder, decoder_base = _decoder_list(values)
    return {
        "encoder_blocks": encoder,
        "decoder_blocks": decoder,
        "encoder_base_channels": encoder_base,
        "decoder_base_channels": decoder_base,
        **{name: values[name] for name in ("latent_channels", "patch_size", "timestep_conditioning")},
    }


def _ratio(wide: int, narrow: int) -> int:
    if narrow < 1 or wide % narrow:
        raise CheckpointError(f"expected VAE widths that are multiples of one another, got {narrow} and {wide}")
    return wide // narrow


def _encoder_list(values: Mapping[str, Any]) -> tuple[list[Any], int]:
    """Encoder blocks in order, and the width at the input."""
    widths, types = list(values["block_out_channels"]), set(values["down_block_types"])
    shuffled = types == {SHUFFLED}
    if types not in ({SHUFFLED}, {STRIDED}):
        raise CheckpointError(f"expected down_block_types all {STRIDED} or all {SHUFFLED}, got {sorted(types)}")
    blocks: list[Any] = []
    levels = len(widths) - 1 if shuffled else len(widths)
    for level in range(levels):
        blocks.append(["res_x", {"num_layers": values["layers_per_block"][level]}])
        growth = _ratio(widths[min(level + 1, len(widths) - 1)], widths[level])
        scaled = values["spatio_temporal_scaling"][level]
        if shuffled:
            kind = DOWNSAMPLERS.get(values["downsample_type"][level])
            if not scaled or kind is None:
                raise CheckpointError(f"expected level {level} of a {SHUFFLED} encoder to be downsampled by shuffling")
            blocks.append([kind, {"multiplier": growth}])
            continue
        if scaled:
            blocks.append(["compress_all", {"multiplier": 1}])
        if growth != 1:
            blocks.append(["res_x_y", {"multiplier": growth}])
    blocks.append(["res_x", {"num_layers": values["layers_per_block"][-1]}])
    return blocks, widths[0]


def _decoder_list(values: Mapping[str, Any]) -> tuple[list[Any], int]:
    """Decoder blocks in stored order (the output's first), and the width at the output."""
    widths = list(reversed(values["decoder_block_out_channels"]))
    layers = list(reversed(values["decoder_layers_per_block"]))
    noise = list(reversed(values["decoder_inject_noise"]))
    scaling = list(reversed(values["decoder_spatio_temporal_scaling"]))
    residual, factors = list(reversed(values["upsample_residual"])), list(reversed(values["upsample_factor"]))
    built: list[Any] = [["res_x", {"num_layers": layers[0], "inject_noise": noise[0]}]]
    width = widths[0]
    for level, wide in enumerate(widths):
        if wide != width:
            built.append(["res_x_y", {"multiplier": _ratio(width, wide)}])
        if scaling[level]:
            built.append(["compress_all", {"residual": residual[level], "multiplier": factors[level]}])
        elif factors[level] != 1:
            raise CheckpointError(f"expected upsample_factor 1 where level {level} of the decoder does not upsample")
        built.append(["res_x", {"num_layers": layers[level + 1], "inject_noise": noise[level + 1]}])
        width = _ratio(wide, factors[level])
    return built[::-1], width


def diffusers(config: VAEConfig) -> dict[str, Any]:
    """The diffusers `config.json` of a VAE.

    Raises:
        CheckpointError: if the diffusers class cannot build this VAE.
    """
    time, height, _ = config.compression
    return {
        **_CONSTANTS,
        **_encoder_fields(config),
        **_decoder_fields(config),
        "latent_channels": config.latent_channels,
        "patch_size": config.patch_size,
        "timestep_conditioning": config.timestep_conditioning,
        "spatial_compression_ratio": height,
        "temporal_compression_ratio": time,
    }


def _encoder_fields(config: VAEConfig) -> dict[str, Any]:
    side = encoder_levels(config.encoder_blocks)
    kinds = [level.resample.spec.kind if level.resample else None for level in side.levels]
    shuffled = [kind in DOWNSAMPLERS.values() for kind in kinds]
    widths = [config.encoder_base_channels]
    for level in side.levels:
        widths.append(widths[-1] * prod(block.spec.multiplier for block in (level.resample, level.change) if block))
    if side.levels and all(shuffled) and not any(level.change for level in side.levels):
        names = {kind: name for name, kind in DOWNSAMPLERS.items()}
        block_out, types = widths, SHUFFLED
        downsamplers = [names[kind] for kind in kinds if kind]
    else:
        plain = all(
            level.resample is None or (level.resample.spec.kind, level.resample.spec.multiplier) == ("compress_all", 1)
            for level in side.levels
        )
        if not side.levels or not plain or side.levels[-1].change:
            raise inexpressible("encoder", config.encoder_blocks)
        block_out, types, downsamplers = widths[:-1], STRIDED, ["conv"] * len(side.levels)
    return {
        "block_out_channels": block_out,
        "down_block_types": [types] * len(side.levels),
        "layers_per_block": [*(level.residual.spec.num_layers for level in side.levels), side.mid.spec.num_layers],
        "spatio_temporal_scaling": [kind is not None for kind in kinds],
        "downsample_type": downsamplers,
    }


def _decoder_fields(config: VAEConfig) -> dict[str, Any]:
    side = decoder_levels(config.decoder_blocks)
    width, widths, factors = config.decoder_width, [], []
    for number, level in enumerate(side.levels):
        factor = level.resample.spec.multiplier if level.resample else 1
        if level.change:
            # diffusers would feed the raw timestep to such a block, give it noise, and divide its width twice.
            if number == 0 or factor != 1 or config.timestep_conditioning or level.residual.spec.inject_noise:
                raise inexpressible("decoder", config.decoder_blocks)
            width //= level.change.spec.multiplier
        if level.resample and level.resample.spec.kind != "compress_all":
            raise inexpressible("decoder", config.decoder_blocks)
        widths.append(width)
        factors.append(factor)
        width //= factor
    groups = [side.mid.spec, *(level.residual.spec for level in side.levels)]
    return {
        "decoder_block_out_channels": widths[::-1],
        "decoder_layers_per_block": [spec.num_layers for spec in reversed(groups)],
        "decoder_spatio_temporal_scaling": [level.resample is not None for level in reversed(side.levels)],
        "decoder_inject_noise": [spec.inject_noise for spec in reversed(groups)],
        "upsample_residual": [bool(lvl.resample and lvl.resample.spec.residual) for lvl in reversed(side.levels)],
        "upsample_factor": factors[::-1],
    }
