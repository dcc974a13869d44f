"""The parts of a checkpoint that hold weights: where each lies, and what its names and fields mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ltx.checkpoint import keys, vae_fields
from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.rename import Renaming

CAUSAL = "causal_temporal_positioning"


@dataclass(frozen=True)
class Part:
    """One model of a checkpoint.

    Attributes:
        name: its folder in diffusers layout and its key in the metadata `config` of an official file.
        prefixes: what its keys start with in an official file, the released one first.
        official_class: `_class_name` of official configurations.
        diffusers_class: `_class_name` of diffusers configurations.
        official_anchor: an official key every release has, and which diffusers names differently unless `same_names`.
        diffusers_anchor: the same in a diffusers file.
        dropped: official keys that are left out on purpose.
        zeros: official keys that are zeros when a file lacks them.
        ignored: official configuration fields that change nothing here.
        renaming: the rules of a configuration.
        to_diffusers: diffusers fields of a configuration object.
        from_diffusers: official fields of diffusers fields.
    """

    name: str
    prefixes: tuple[str, ...]
    official_class: str
    diffusers_class: str
    official_anchor: str
    diffusers_anchor: str
    dropped: tuple[str, ...]
    zeros: tuple[str, ...]
    ignored: tuple[str, ...]
    renaming: Callable[[Any], Renaming]
    to_diffusers: Callable[[Any], dict[str, Any]]
    from_diffusers: Callable[[Mapping[str, Any]], dict[str, Any]]


def _transformer_to_diffusers(config: Any) -> dict[str, Any]:
    try:
        fields: dict[str, Any] = config.to_diffusers_dict()
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    # diffusers does not know this field; it skips names with an underscore without a warning.
    fields[f"_{CAUSAL}"] = fields.pop(CAUSAL)
    return fields


def _transformer_from_diffusers(fields: Mapping[str, Any]) -> dict[str, Any]:
    fields = dict(fields)
    if f"_{CAUSAL}" in fields:
        fields[CAUSAL] = fields.pop(f"_{CAUSAL}")
    return fields


def _upsampler_to_diffusers(config: Any) -> dict[str, Any]:
    return {**config.to_dict(), "_class_name": UPSAMPLER.diffusers_class}


def _upsampler_from_diffusers(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if not name.startswith("_")}


TRANSFORMER = Part(
    name="transformer",
    prefixes=("model.diffusion_model.", "diffusion_model.", ""),
    official_class="Transformer3DModel",
    diffusers_class="LTXVideoTransformer3DModel",
    official_anchor="patchify_proj.weight",
    diffusers_anchor="proj_in.weight",
    dropped=(),
    zeros=(),
    ignored=("use_tpu_flash_attention", "use_chipmunk_attention"),
    renaming=keys.transformer_renaming,
    to_diffusers=_transformer_to_diffusers,
    from_diffusers=_transformer_from_diffusers,
)

VAE = Part(
    name="vae",
    prefixes=("vae.", "first_stage_model.", ""),
    official_class="CausalVideoAutoencoder",
    diffusers_class=vae_fields.CLASS,
    official_anchor="per_channel_statistics.std-of-means",
    diffusers_anchor="latents_std",
    dropped=keys.VAE_DROPPED,
    zeros=("per_channel_statistics.mean-of-means",),
    ignored=(),
    renaming=keys.vae_renaming,
    to_diffusers=vae_fields.diffusers,
    from_diffusers=vae_fields.official,
)

UPSAMPLER = Part(
    name="latent_upsampler",
    prefixes=("",),
    official_class="LatentUpsampler",
    diffusers_class="LTXLatentUpsamplerModel",
    official_anchor="post_upsample_res_blocks.0.conv1.weight",
    diffusers_anchor="post_upsample_res_blocks.0.conv1.weight",
    dropped=(),
    zeros=(),
    ignored=(),
    renaming=lambda config: keys.UPSAMPLER,
    to_diffusers=_upsampler_to_diffusers,
    from_diffusers=_upsampler_from_diffusers,
)

PARTS = (TRANSFORMER, VAE, UPSAMPLER)
