"""Block lists and fields of a VAE."""

from __future__ import annotations

from typing import Any

import pytest

from ltx.vae.config import BlockSpec, VAEConfig

BLOCKS = [["res_x", 2], ["compress_all_res", {"multiplier": 3}], ["compress_time", 1], ["res_x_y", 1], ["res_x", 1]]


@pytest.mark.parametrize(
    ("entry", "spec"),
    [
        (["res_x", 4], BlockSpec("res_x", num_layers=4)),
        (["res_x", {"num_layers": 3, "inject_noise": True}], BlockSpec("res_x", 3, True)),
        (["res_x_y", 1], BlockSpec("res_x_y", multiplier=2)),
        (["res_x_y", {"multiplier": 3}], BlockSpec("res_x_y", multiplier=3)),
        (["compress_space", 1], BlockSpec("compress_space")),
        (["compress_space_res", 1], BlockSpec("compress_space_res", multiplier=2)),
        (["compress_all", {"residual": True, "multiplier": 2}], BlockSpec("compress_all", residual=True, multiplier=2)),
    ],
)
def test_entries_are_read(entry: list[Any], spec: BlockSpec) -> None:
    """A number is one of layers; the factor is 2 where a block changes the width, else 1."""
    assert BlockSpec.parse(entry) == spec
    assert BlockSpec.parse(spec.entry()) == spec


@pytest.mark.parametrize("entry", [["attn", 1], ["res_x_res", 1], ["res_x_y_res", 1], ["compress_all", {"depth": 1}]])
def test_other_entries_are_refused(entry: list[Any]) -> None:
    """Unknown blocks, residual blocks that resample, and unknown parameters."""
    with pytest.raises(ValueError, match=r"got the VAE block|expected parameters"):
        BlockSpec.parse(entry)


def test_sizes_follow_from_the_lists() -> None:
    """Strides multiply, with the patch in space; widths by every factor."""
    config = VAEConfig.from_dict({"blocks": BLOCKS, "decoder_base_channels": 8})
    assert config.compression == (4, 8, 8)
    assert config.decoder_width == 8 * 3 * 2
    assert VAEConfig.from_dict({"blocks": [["compress_space", 1]], "patch_size": 2}).compression == (1, 4, 4)
    assert VAEConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"blocks": BLOCKS, "dims": 2}, "expected dims = 3 in the VAE config, got 2"),
        ({"blocks": BLOCKS, "depth": 2}, r"unknown fields in the VAE config: \['depth'\]"),
        ({"encoder_blocks": BLOCKS}, r"missing fields in the VAE config: \['decoder_blocks'\]"),
    ],
)
def test_other_configurations_are_refused(fields: dict[str, Any], message: str) -> None:
    """What no release has, what is unknown, what is missing."""
    with pytest.raises(ValueError, match=message):
        VAEConfig.from_dict(fields)
