"""The VAE as a part of a checkpoint."""

from __future__ import annotations

from collections.abc import Collection

from ltx.checkpoint.part import Part
from ltx.checkpoint.prefixes import MODELS
from ltx.vae import diffusers_fields
from ltx.vae.keys import DROPPED, vae_renaming
from ltx.vae.release import vae_fields, vae_generation


def _release_in(names: Collection[str]) -> str | None:
    generation = vae_generation(names)
    return None if generation is None else f"a {generation} VAE"


VAE = Part(
    name="vae",
    prefixes=(*MODELS["vae"], ""),
    official_class="CausalVideoAutoencoder",
    diffusers_class=diffusers_fields.CLASS,
    official_anchor="per_channel_statistics.std-of-means",
    diffusers_anchor="latents_std",
    renaming=vae_renaming,
    to_diffusers=diffusers_fields.diffusers,
    from_diffusers=lambda fields, folder: diffusers_fields.official(fields),
    inferred=vae_fields,
    release_in=_release_in,
    dropped=DROPPED,
    zeros=("per_channel_statistics.mean-of-means",),
)
