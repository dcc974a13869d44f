"""The latent upsampler as a part of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ltx.checkpoint.part import Part
from ltx.upsampler.config import UpsamplerConfig
from ltx.upsampler.keys import RENAMING
from ltx.upsampler.release import upsampler_fields


def _to_diffusers(config: UpsamplerConfig) -> dict[str, Any]:
    return {**config.to_dict(), "_class_name": UPSAMPLER.diffusers_class}


def _from_diffusers(fields: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if not name.startswith("_")}


UPSAMPLER = Part(
    name="latent_upsampler",
    prefixes=("",),
    official_class="LatentUpsampler",
    diffusers_class="LTXLatentUpsamplerModel",
    official_anchor="post_upsample_res_blocks.0.conv1.weight",
    diffusers_anchor="post_upsample_res_blocks.0.conv1.weight",
    renaming=lambda config: RENAMING,
    to_diffusers=_to_diffusers,
    from_diffusers=_from_diffusers,
    inferred=lambda weights, prefix: upsampler_fields(weights),
    alone=True,
)
