"""Folders of adapters: what is read, and what is damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters import build_adapter, config_from_dict, config_to_dict, load_adapter


def test_nesting_without_end_is_no_adapter(tmp_path: Path) -> None:
    """Refused as any damaged file."""
    (tmp_path / "adapter_config.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="expected an adapter"):
        load_adapter(tmp_path)


FLAT = {"width": 16, "heads": 2, "depth": 1, "extent": [4.0, 64.0, 64.0]}
PAIR = {
    "vlm": "small-qwen",
    "vlm_hidden_size": 12,
    "vlm_vision_size": 6,
    "vlm_layers": [0, 2],
    "ltx": "small-ltx",
    "latent_channels": 4,
    "caption_channels": 10,
}


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "linear", "bandwidth": [0.5, 16.0, 16.0]},
        {"type": "mlp", "bandwidth": [0.5, 16.0, 16.0], "width": 8},
        {"type": "latent", **FLAT, "geometry": True},
        {"type": "queries", "queries": 3, **FLAT, "placement": "add"},
    ],
    ids=lambda fields: fields["type"],
)
def test_saved_configurations_are_read_by_field(fields: dict[str, Any]) -> None:
    """`adapter_config.json` is a flat object whose names stay, whatever order they come in."""
    stored = json.dumps({**fields, "pairing": PAIR})
    config = config_from_dict(json.loads(stored))
    assert json.loads(json.dumps(config_to_dict(config))) == json.loads(stored)
    assert build_adapter(config).pairing.vlm_layers == (0, 2)
