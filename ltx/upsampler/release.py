"""Fields of a latent upsampler from the shapes of its weights, for files that do not say what they are."""

from __future__ import annotations

import re
from typing import Any

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.read import Weights


def upsampler_fields(weights: Weights) -> dict[str, Any]:
    """Fields of a latent upsampler whose file carries none, all from shapes."""
    try:
        mid, channels, *kernel = weights.shape("initial_conv.weight")
        wide = weights.shape("upsampler.0.weight")[0]
    except KeyError as error:
        raise CheckpointError(f"cannot tell which upsampler {weights.where} holds: it lacks {error}") from error
    blocks = {match[1] for key in weights if (match := re.match(r"res_blocks\.(\d+)\.", key))}
    factor = wide // mid
    return {
        "in_channels": channels,
        "mid_channels": mid,
        "num_blocks_per_stage": len(blocks),
        "dims": len(kernel),
        "spatial_upsample": factor in (4, 8),
        "temporal_upsample": factor in (2, 8),
    }
