"""Space-time tokens of a prediction that failed, as far as the future has been seen."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def failed_tokens(
    predicted: Float[Tensor, "candidate channel latent_frame row column"],
    observed: Float[Tensor, "channel latent_seen row column"],
) -> Bool[Tensor, "candidate latent_frame row column"]:
    """Tokens further from what was seen than the candidate's tokens are on average; at least one, and rarely all.

    The mean as threshold needs no unit: it follows size, contrast and motion of the clip. Where the future has not
    been seen, a place that had failed when it was last seen is taken to fail still.

    Raises:
        ValueError: if nothing was seen, or more than was predicted.
    """
    seen, frames = observed.shape[1], predicted.shape[2]
    if not 1 <= seen <= frames:
        raise ValueError(f"expected 1 to {frames} observed latent frames, got {seen}")
    error = (predicted[:, :, :seen] - observed.to(predicted)).square().mean(dim=1)
    failed = error >= error.mean(dim=(1, 2, 3), keepdim=True)
    later = failed[:, -1:].expand(-1, frames - seen, -1, -1)
    return torch.cat([failed, later], dim=1)
