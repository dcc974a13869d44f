"""Weight names of the latent upsampler, the same in official files and in diffusers folders."""

from __future__ import annotations

from ltx.checkpoint.rename import Renaming, same

RENAMING = Renaming(
    same(
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
"""Both spell the names alike."""
