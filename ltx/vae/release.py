"""Telling the VAE generations apart by the names of their weights, for files that do not say what they are."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.read import Weights

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


def vae_fields(weights: Weights, prefix: str) -> dict[str, Any]:
    """Official fields of a VAE whose file carries none."""
    generation = vae_generation({key.removeprefix(prefix) for key in weights if key.startswith(prefix)})
    if generation is None:
        raise CheckpointError(f"cannot tell which VAE {weights.where} holds: it has no decoder.up_blocks")
    return dict(VAE_FIELDS[generation])
