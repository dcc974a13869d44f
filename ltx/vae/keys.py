"""Weight names of the VAE: official single file ↔ diffusers folder. Names carry no prefix here."""

from __future__ import annotations

from ltx.checkpoint.rename import Renaming, Rule, same
from ltx.vae.config import VAEConfig
from ltx.vae.diffusers_levels import modules

_FIXED = (
    *same(
        "encoder.conv_in.conv.{leaf}",
        "encoder.conv_out.conv.{leaf}",
        "decoder.conv_in.conv.{leaf}",
        "decoder.conv_out.conv.{leaf}",
        "decoder.timestep_scale_multiplier",
    ),
    Rule("decoder.last_scale_shift_table", "decoder.scale_shift_table"),
    Rule(
        "decoder.last_time_embedder.timestep_embedder.linear_{i}.{leaf}",
        "decoder.time_embedder.timestep_embedder.linear_{i}.{leaf}",
    ),
    Rule("per_channel_statistics.mean-of-means", "latents_mean"),
    Rule("per_channel_statistics.std-of-means", "latents_std"),
)

_INNER = {
    "residual": (
        Rule("res_blocks.{i}.conv{j}.conv.{leaf}", "resnets.{i}.conv{j}.conv.{leaf}"),
        Rule("res_blocks.{i}.scale_shift_table", "resnets.{i}.scale_shift_table"),
        Rule("res_blocks.{i}.per_channel_scale{j}", "resnets.{i}.per_channel_scale{j}"),
        *same("time_embedder.timestep_embedder.linear_{i}.{leaf}"),
    ),
    "change": (
        *same("conv{j}.conv.{leaf}"),
        Rule("conv_shortcut.{leaf}", "conv_shortcut.conv.{leaf}"),
        Rule("norm3.norm.{leaf}", "norm3.{leaf}"),
    ),
    "strided": same("conv.{leaf}"),
    "resample": same("conv.conv.{leaf}"),
}
"""Names inside a block, by the block's kind."""


def vae_renaming(config: VAEConfig) -> Renaming:
    """The rules of one VAE generation, its index map derived from the block lists.

    Raises:
        CheckpointError: if diffusers has no such VAE.
    """
    inner = (
        Rule(f"{module.official}.{rule.official}", f"{module.diffusers}.{rule.diffusers}")
        for module in modules(config)
        for rule in _INNER[module.kind]
    )
    return Renaming((*_FIXED, *inner))


DROPPED = (
    "per_channel_statistics.channel",
    "per_channel_statistics.mean-of-stds",
    "per_channel_statistics.mean-of-stds_over_std-of-means",
    "per_channel_statistics.std-of-stds",
)
"""Statistics that official files carry and no code reads."""
