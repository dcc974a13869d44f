"""Squared pixel distance of candidates to the observed future, raw and divided by that of the last frame repeated."""

from __future__ import annotations

from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from foresight.metrics.picture import mse
from foresight.verify.evidence.records import Evidence
from foresight.verify.signals.base import FLOOR, AbstractSignal


class PixelDistance(AbstractSignal):
    """Mean squared error on the [0, 1] scale, mean over candidates. Confounded by size, contrast and motion."""

    name = "pixel"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 for a perfect prediction."""
        candidates = evidence.predicted.shape[1]
        predicted = rearrange(evidence.predicted, "b c d f h w -> (b c) d f h w")
        error = mse(predicted, evidence.observed.repeat_interleave(candidates, 0))
        return rearrange(error, "(b c) f -> b c f", c=candidates).mean(dim=(1, 2))


class PixelRatio(AbstractSignal):
    """Mean squared error, divided by that of the last frame repeated: 1 for a prediction that only copies."""

    name = "pixel_ratio"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 for a perfect prediction, 1 for a copy of the last frame."""
        copy = mse(evidence.copy_last_frame, evidence.observed).mean(dim=1)
        return (PixelDistance()(evidence) + FLOOR) / (copy + FLOOR)
