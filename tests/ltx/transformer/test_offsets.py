"""Offsets of the timestep embedding, against the embedding changed by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ltx.shapes import LatentShape, coordinates
from ltx.transformer import TimestepGroups, VideoTransformer
from ltx.transformer.offsets import EmbeddingOffsets
from tests.small import transformer_config


def small() -> tuple[VideoTransformer, dict[str, Any]]:
    """A transformer and inputs of two clips of 2 × 2 × 2 tokens."""
    torch.manual_seed(0)
    transformer = VideoTransformer(transformer_config()).eval()
    inputs = {
        "tokens": torch.randn(2, 8, 8),
        "timesteps": torch.tensor([[0.0] * 4 + [0.7] * 4, [0.0] * 4 + [0.3] * 4]),
        "coordinates": coordinates(LatentShape(2, 2, 2), frame_rate=8.0)[None],
        "context": torch.randn(2, 3, 16),
        "context_mask": None,
    }
    return transformer, inputs


def offsets(scale: float = 1.0) -> EmbeddingOffsets:
    """None for the first four tokens, a vector each for two halves of the others."""
    vectors = scale * torch.randn(2, 3, 32, generator=torch.Generator().manual_seed(1))
    vectors[:, 0] = 0
    return EmbeddingOffsets(vectors, torch.tensor([[0, 0, 0, 0, 1, 1, 2, 2]]).expand(2, -1))


@torch.no_grad()
def test_the_embedding_of_each_token_is_added_to() -> None:
    """The same velocities as with an embedder that adds the vector of each token by itself."""
    transformer, inputs = small()
    added = offsets()
    found = transformer(**inputs, offsets=added)
    whole = torch.take_along_dim(added.vectors, added.rows[..., None], dim=1)
    embed = transformer.adaln_single.emb.forward
    transformer.adaln_single.emb.forward = lambda timesteps: embed(timesteps) + whole  # type: ignore[method-assign]
    every = TimestepGroups(torch.arange(8)[None], None)
    expected = transformer(**inputs, groups=every)
    assert torch.allclose(found, expected, atol=1e-5)
    assert (found - transformer.__class__.forward(small()[0], **inputs)).abs().max() > 1e-2


@torch.no_grad()
def test_sampling_hears_them_as_training_does() -> None:
    """`prepare` and `denoise` against `forward`; a timestep that all tokens share too."""
    transformer, inputs = small()
    for timesteps in (inputs["timesteps"], torch.tensor([[0.7], [0.3]])):
        expected = transformer(**{**inputs, "timesteps": timesteps}, offsets=offsets())
        places = {name: inputs[name] for name in ("coordinates", "context", "context_mask")}
        cache = transformer.prepare(**places, offsets=offsets())
        assert torch.allclose(transformer.denoise(inputs["tokens"], timesteps, cache), expected, atol=1e-5)
        alone = transformer.denoise(inputs["tokens"][1:], timesteps[1:], cache.take([1]))
        assert torch.allclose(alone, expected[1:], atol=1e-5)


@torch.no_grad()
def test_zero_vectors_change_nothing() -> None:
    """Up to the rounding of other row counts; without offsets nothing is computed otherwise at all."""
    transformer, inputs = small()
    assert torch.allclose(transformer(**inputs, offsets=offsets(0.0)), transformer(**inputs), atol=1e-6)


def test_few_rows_for_many_tokens() -> None:
    """As many groups as there are pairs of a timestep and a vector, not one for each token."""
    added = EmbeddingOffsets(torch.zeros(1, 3, 4), torch.tensor([[0] * 32 + [1] * 16 + [2] * 16]))
    groups = added.groups(torch.tensor([[0.0] * 32 + [0.5] * 32]))
    assert groups is not None and groups.count == 4, "stretches of 16"


def test_offsets_of_another_size_are_refused() -> None:
    """Width, tokens and batch; and groups beside them."""
    transformer, inputs = small()
    with pytest.raises(ValueError, match="offsets of width 32, got 16"):
        transformer(**inputs, offsets=EmbeddingOffsets(torch.zeros(2, 1, 16), torch.zeros(2, 8, dtype=torch.long)))
    with pytest.raises(ValueError, match="offsets for 2 × 8 tokens"):
        transformer(**inputs, offsets=EmbeddingOffsets(torch.zeros(2, 1, 32), torch.zeros(2, 5, dtype=torch.long)))
    with pytest.raises(ValueError, match="got both"):
        transformer(**inputs, offsets=offsets(), groups=TimestepGroups(torch.arange(8)[None], None))
    with pytest.raises(ValueError, match="a row for each token"):
        EmbeddingOffsets(torch.zeros(2, 1, 32), torch.zeros(1, 8, dtype=torch.long))
