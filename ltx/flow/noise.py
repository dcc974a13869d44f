"""Seeded standard normal noise, for a batch at once or with one generator per sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

Generators: TypeAlias = torch.Generator | Sequence[torch.Generator]


def seeded(seeds: Sequence[int]) -> list[torch.Generator]:
    """One CPU generator per seed: sample i of a batch then is the same video, whatever it is batched with."""
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def draw_noise(like: Float[Tensor, " batch *rest"], generator: Generators) -> Float[Tensor, " batch *rest"]:
    """Standard normal noise of the shape, dtype and device of `like`.

    It is drawn in float32 on the generator's own device and then moved, so that a CPU generator gives the same noise
    for every device and dtype.

    Args:
        like: the tensor to make noise for.
        generator: one generator for the whole batch, or one per sample.

    Raises:
        ValueError: if the number of generators is not the batch size.
    """
    if isinstance(generator, torch.Generator):
        noise = torch.randn(like.shape, generator=generator, device=generator.device)
    else:
        if len(generator) != like.shape[0]:
            raise ValueError(f"expected one generator for each of {like.shape[0]} samples, got {len(generator)}")
        noise = torch.stack([torch.randn(like.shape[1:], generator=g, device=g.device) for g in generator])
    return noise.to(device=like.device, dtype=like.dtype)
