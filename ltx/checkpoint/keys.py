"""The tables of weight names: official single file ↔ diffusers folder. Names carry no prefix here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltx.checkpoint.rename import Renaming, Rule
from ltx.checkpoint.vae_levels import modules

if TYPE_CHECKING:
    from ltx.transformer.config import TransformerConfig
    from ltx.vae.config import VAEConfig


def _same(*templates: str) -> tuple[Rule, ...]:
    return tuple(Rule(template, template) for template in templates)


_ATTENTION = tuple(
    rule
    for attention in ("attn1", "attn2")
    for name in ("q", "k")
    for rule in (
        Rule(
            f"transformer_blocks.{{i}}.{attention}.{name}_norm.weight",
            f"transformer_blocks.{{i}}.{attention}.norm_{name}.weight",
        ),
    )
) + _same(
    *(
        f"transformer_blocks.{{i}}.{attention}.{name}.{{leaf}}"
        for attention in ("attn1", "attn2")
        for name in ("to_q", "to_k", "to_v", "to_out.0")
    )
)

TRANSFORMER = Renaming(
    (
        Rule("patchify_proj.{leaf}", "proj_in.{leaf}"),
        Rule(
            "adaln_single.emb.timestep_embedder.linear_{i}.{leaf}",
            "time_embed.emb.timestep_embedder.linear_{i}.{leaf}",
        ),
        Rule("adaln_single.linear.{leaf}", "time_embed.linear.{leaf}"),
        *_ATTENTION,
        *_same(
            "caption_projection.linear_{i}.{leaf}",
            "transformer_blocks.{i}.scale_shift_table",
            "transformer_blocks.{i}.ff.net.{j}.{leaf}",
            "transformer_blocks.{i}.ff.net.{j}.proj.{leaf}",
            "scale_shift_table",
            "proj_out.{leaf}",
        ),
    )
)
"""Both sizes; the norms without affine part have no weights."""

UPSAMPLER = Renaming(
    _same(
        "initial_conv.{leaf}",
        "initial_norm.{leaf}",
        *(
            f"{stage}.{{i}}.{layer}.{{leaf}}"
            for stage in ("res_blocks", "post_upsample_res_blocks")
            for layer in ("conv1", "norm1", "conv2", "norm2")
        ),
        "upsampler.{i}.{leaf}",
        "final_conv.{leaf}",
    )
)
"""The same names in both worlds."""

_VAE_FIXED = (
    *_same(
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

_VAE_INNER = {
    "residual": (
        Rule("res_blocks.{i}.conv{j}.conv.{leaf}", "resnets.{i}.conv{j}.conv.{leaf}"),
        Rule("res_blocks.{i}.scale_shift_table", "resnets.{i}.scale_shift_table"),
        Rule("res_blocks.{i}.per_channel_scale{j}", "resnets.{i}.per_channel_scale{j}"),
        *_same("time_embedder.timestep_embedder.linear_{i}.{leaf}"),
    ),
    "change": (
        *_same("conv{j}.conv.{leaf}"),
        Rule("conv_shortcut.{leaf}", "conv_shortcut.conv.{leaf}"),
        Rule("norm3.norm.{leaf}", "norm3.{leaf}"),
    ),
    "strided": _same("conv.{leaf}"),
    "resample": _same("conv.conv.{leaf}"),
}
"""Names inside a block, by the block's kind."""


def transformer_renaming(config: TransformerConfig) -> Renaming:
    """The rules of a transformer: they do not depend on its size."""
    del config
    return TRANSFORMER


def vae_renaming(config: VAEConfig) -> Renaming:
    """The rules of one VAE generation, its index map derived from the block lists.

    Raises:
        CheckpointError: if diffusers has no such VAE.
    """
    inner = (
        Rule(f"{module.official}.{rule.official}", f"{module.diffusers}.{rule.diffusers}")
        for module in modules(config)
        for rule in _VAE_INNER[module.kind]
    )
    return Renaming((*_VAE_FIXED, *inner))


VAE_DROPPED = (
    "per_channel_statistics.channel",
    "per_channel_statistics.mean-of-stds",
    "per_channel_statistics.mean-of-stds_over_std-of-means",
    "per_channel_statistics.std-of-stds",
)
"""Statistics that official files carry and no code reads."""
