"""VAEs that one of the two layouts has no words for."""

from __future__ import annotations

from typing import Any

import pytest

from ltx.checkpoint.errors import CheckpointError
from ltx.vae.config import VAEConfig
from ltx.vae.diffusers_fields import diffusers, official

SHUFFLED = {
    "block_out_channels": [8, 16, 32],
    "down_block_types": ["LTXVideo095DownBlock3D"] * 2,
    "layers_per_block": [1, 1, 1],
    "spatio_temporal_scaling": [True, True],
    "downsample_type": ["spatial", "temporal"],
}
PLAIN = [["res_x", 1], ["compress_all", 1], ["res_x", 1]]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({**SHUFFLED, "spatio_temporal_scaling": [True, False]}, "level 1 .* to be downsampled by shuffling"),
        ({**SHUFFLED, "downsample_type": ["conv", "temporal"]}, "level 0 .* to be downsampled by shuffling"),
        ({"upsample_factor": [1, 1, 1, 2]}, "upsample_factor 1 where level 0 of the decoder does not upsample"),
        ({"block_out_channels": [128, 200, 512, 512]}, "multiples of one another, got 128 and 200"),
        ({"down_block_types": ["DownBlock3D"] * 4}, "down_block_types all"),
        ({"encoder_causal": False}, "expected encoder_causal = True"),
        ({"slots": 3}, "unknown fields .*: slots"),
    ],
)
def test_fields_of_no_ltx_video_vae_are_named(fields: dict[str, Any], message: str) -> None:
    """What diffusers could be told, and no release has: refused instead of read as something else."""
    assert official(SHUFFLED)["encoder_blocks"][1][0] == "compress_space_res" and official({})
    with pytest.raises(CheckpointError, match=message):
        official(fields)


@pytest.mark.parametrize(
    ("side", "blocks"),
    [
        ("encoder", [["res_x", 1], ["compress_time", 1], ["res_x", 1]]),
        ("encoder", [["res_x", 1], ["res_x_y", 1], ["res_x", 1]]),
        ("encoder", [["compress_all", 1], ["res_x", 1]]),
        ("encoder", [["res_x", 1], ["compress_all", 1], ["compress_all", 1], ["res_x", 1]]),
        ("decoder", [["res_x", 1], ["compress_time", 1], ["res_x", 1]]),
        ("decoder", [["res_x", 1], ["res_x_y", 1], ["res_x", 1]]),
    ],
)
def test_blocks_that_diffusers_has_no_class_for_are_named(side: str, blocks: list[Any]) -> None:
    """Such a VAE is never written in diffusers' layout with other blocks than it has."""
    given = {"encoder_blocks": PLAIN, "decoder_blocks": PLAIN, f"{side}_blocks": blocks}
    sizes = {"encoder_base_channels": 8, "decoder_base_channels": 8, "latent_channels": 8}
    with pytest.raises(CheckpointError, match=f"diffusers has no VAE with these {side} blocks: .*{blocks[1][0]}"):
        diffusers(VAEConfig.from_dict({**given, **sizes}))
