"""Telling the transformers apart by the names and shapes of their weights, for files that do not say what they are."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.identity import named
from ltx.checkpoint.read import Weights, read_object
from ltx.vae.diffusers_fields import SHUFFLED
from ltx.vae.release import vae_generation


def transformer_layers(names: Collection[str]) -> int:
    """Number of blocks in a set of official names without prefix."""
    matches = (re.match(r"transformer_blocks\.(\d+)\.", name) for name in names)
    return 1 + max((int(match[1]) for match in matches if match), default=-1)


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


def _causal_in_file(weights: Weights, layers: int) -> bool:
    """True if frame positions are causal: by the size, the VAE in the same file, or the release in its name."""
    if layers >= 48:
        return True
    generation = vae_generation({key.removeprefix("vae.") for key in weights if key.startswith("vae.")})
    if generation is not None:
        return generation == "0.9.5"
    if versions := named(weights.files[0].name).versions:
        return versions[0] >= "0.9.5"
    return _not_causal(weights.where)


def causal_in_folder(folder: Path, fields: Mapping[str, Any]) -> bool:
    """True if frame positions are causal, for a folder in diffusers layout: by the VAE or the scheduler beside it."""
    if fields.get("num_layers", 0) >= 48:
        return True
    if (vae := folder.parent / "vae" / "config.json").is_file():
        return SHUFFLED in read_object(vae).get("down_block_types", ())
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
