"""Tiny models of every shape case, and diffusers' model with the same weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from ltx.shapes import LatentShape, coordinates
from ltx.transformer import TransformerConfig, VideoTransformer
from tests.small import transformer_config

# in/out channels, heads, head width, layers, caption width; the widths leave 2, 0, 2, 4 and 4 channels unrotated.
SIZES = {
    "T1": (8, 4, 8, 2, 16),
    "T2": (8, 4, 12, 2, 32),
    "T3": (16, 2, 16, 1, 16),
    "T4": (8, 4, 10, 1, 16),
    "T5": (8, 4, 16, 2, 16),
}


@dataclass(frozen=True)
class Inputs:
    """Arguments of a forward pass, all of them different in every batch row."""

    tokens: Tensor
    timesteps: Tensor
    coordinates: Tensor
    context: Tensor
    mask: Tensor


def tiny_config(name: str, **changes: object) -> TransformerConfig:
    """A configuration of the table above."""
    channels, heads, head_dim, layers, caption = SIZES[name]
    sizes = {
        "num_layers": layers,
        "num_attention_heads": heads,
        "attention_head_dim": head_dim,
        "caption_channels": caption,
    }
    return transformer_config(channels=channels, **{**sizes, **changes})


def tiny_model(name: str, **changes: object) -> VideoTransformer:
    """A model whose norm weights, tables and gates are all far from their neutral values."""
    torch.manual_seed(0)
    model = VideoTransformer(tiny_config(name, **changes))
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if key.endswith("norm.weight"):
                parameter.uniform_(0.5, 1.5)
    return model.eval()


def tiny_inputs(name: str, *, batch: int, shape: LatentShape = LatentShape(3, 4, 5)) -> Inputs:
    """Random tokens on a grid, a time per token, 7 text tokens of which each row keeps some."""
    channels, caption = SIZES[name][0], SIZES[name][4]
    generator = torch.Generator().manual_seed(1)
    grid = torch.stack([coordinates(shape, frame_rate=25.0, start=8 * row) for row in range(batch)])
    mask = torch.arange(7).expand(batch, 7) < torch.tensor([5, 7, 2])[:batch, None]
    return Inputs(
        tokens=torch.randn(batch, shape.tokens, channels, generator=generator),
        timesteps=torch.rand(batch, shape.tokens, generator=generator),
        coordinates=grid,
        context=torch.randn(batch, 7, caption, generator=generator),
        mask=mask,
    )


@pytest.fixture
def config_of() -> Callable[..., TransformerConfig]:
    """Makes a tiny configuration by name."""
    return tiny_config


@pytest.fixture
def model_of() -> Callable[..., VideoTransformer]:
    """Makes a tiny model by name."""
    return tiny_model


@pytest.fixture
def inputs_of() -> Callable[..., Inputs]:
    """Makes inputs for a tiny model."""
    return tiny_inputs
