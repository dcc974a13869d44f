"""Transformer configurations in both published vocabularies."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ltx.transformer import TransformerConfig


def test_both_vocabularies_read_back() -> None:
    """A configuration written officially or for diffusers, through JSON, is read back equal."""
    for config in (TransformerConfig.ltx_2b(causal_temporal_positioning=False), TransformerConfig.ltx_13b()):
        for values in (config.to_dict(), config.to_diffusers_dict()):
            assert TransformerConfig.from_dict(json.loads(json.dumps(values))) == config


def test_a_published_diffusers_configuration_is_read() -> None:
    """The published diffusers fields give the 2B model with the constants its class fixes."""
    values = {
        "_class_name": "LTXVideoTransformer3DModel",
        "_diffusers_version": "0.32.0.dev0",
        "activation_fn": "gelu-approximate",
        "attention_bias": True,
        "attention_head_dim": 64,
        "attention_out_bias": True,
        "caption_channels": 4096,
        "cross_attention_dim": 2048,
        "in_channels": 128,
        "norm_elementwise_affine": False,
        "norm_eps": 1e-06,
        "num_attention_heads": 32,
        "num_layers": 28,
        "out_channels": 128,
        "patch_size": 1,
        "patch_size_t": 1,
        "qk_norm": "rms_norm_across_heads",
    }
    assert TransformerConfig.from_dict(values) == TransformerConfig.ltx_2b(causal_temporal_positioning=False)


def test_released_sizes() -> None:
    """28 blocks of 32×64 and 48 blocks of 32×128."""
    small, large = TransformerConfig.ltx_2b(causal_temporal_positioning=True), TransformerConfig.ltx_13b()
    assert (small.num_layers, small.width, large.num_layers, large.width) == (28, 2048, 48, 4096)


def test_an_absent_causal_flag_is_false() -> None:
    """Files of 0.9.0 and 0.9.1 lack the flag, and had no causal positions."""
    values = TransformerConfig.ltx_13b().to_dict()
    del values["causal_temporal_positioning"]
    assert not TransformerConfig.from_dict(values).causal_temporal_positioning


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dropouts": 0.1}, "unknown.*dropouts"),
        ({"qk_norm": "layer_norm"}, "unsupported.*qk_norm='layer_norm'"),
        ({"_class_name": "Transformer2DModel"}, "unsupported.*_class_name"),
        ({"num_layers": None}, "missing.*num_layers"),
    ],
)
def test_other_models_are_refused(changes: Any, message: str) -> None:
    """Unknown, missing and unsupported fields are named."""
    values = {**TransformerConfig.ltx_13b().to_dict(), **changes}
    values = {key: value for key, value in values.items() if changes.get(key, 0) is not None}
    with pytest.raises(ValueError, match=message):
        TransformerConfig.from_dict(values)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_layers": 0}, "num_layers above 0"),
        ({"cross_attention_dim": 1024}, "cross_attention_dim"),
        ({"positional_embedding_max_pos": (20.0, 2048.0)}, "three positional_embedding_max_pos"),
        ({"positional_embedding_max_pos": (20.0, 0.0, 2048.0)}, "positional_embedding_max_pos above 0"),
        ({"num_attention_heads": 1, "attention_head_dim": 7, "cross_attention_dim": 7}, "even width"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(changes: Any, message: str) -> None:
    """Sizes that are not positive, widths that differ and odd widths raise."""
    with pytest.raises(ValueError, match=message):
        replace(TransformerConfig.ltx_13b(), **changes)


def test_diffusers_cannot_hold_other_constants() -> None:
    """A constant that the diffusers class fixes is not silently lost."""
    config = replace(TransformerConfig.ltx_13b(), positional_embedding_max_pos=(120.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="positional_embedding_max_pos"):
        config.to_diffusers_dict()
