"""Weight names of the transformer: official single file ↔ diffusers folder. Names carry no prefix here."""

from __future__ import annotations

from ltx.checkpoint.rename import Renaming, Rule, same

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
) + same(
    *(
        f"transformer_blocks.{{i}}.{attention}.{name}.{{leaf}}"
        for attention in ("attn1", "attn2")
        for name in ("to_q", "to_k", "to_v", "to_out.0")
    )
)

RENAMING = Renaming(
    (
        Rule("patchify_proj.{leaf}", "proj_in.{leaf}"),
        Rule(
            "adaln_single.emb.timestep_embedder.linear_{i}.{leaf}",
            "time_embed.emb.timestep_embedder.linear_{i}.{leaf}",
        ),
        Rule("adaln_single.linear.{leaf}", "time_embed.linear.{leaf}"),
        *_ATTENTION,
        *same(
            "caption_projection.linear_{i}.{leaf}",
            "transformer_blocks.{i}.scale_shift_table",
            "transformer_blocks.{i}.ff.net.{j}.{leaf}",
            "transformer_blocks.{i}.ff.net.{j}.proj.{leaf}",
            "scale_shift_table",
            "proj_out.{leaf}",
        ),
    )
)
"""Names of both sizes; the norms without affine part have no weights."""
