"""Structural distance of candidates to the observed future, raw and divided by that of the last frame repeated."""

from __future__ import annotations

from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from foresight.metrics.picture import ssim
from foresight.verify.evidence.records import Evidence
from foresight.verify.signals.base import FLOOR, AbstractSignal


class StructureDistance(AbstractSignal):
    """1 − SSIM, mean over frames and candidates."""

    name = "structure"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 for a perfect prediction."""
        candidates = evidence.predicted.shape[1]
        predicted = rearrange(evidence.predicted, "b c d f h w -> (b c) d f h w")
        similarity = ssim(predicted, evidence.observed.repeat_interleave(candidates, 0))
        return 1 - rearrange(similarity, "(b c) f -> b c f", c=candidates).mean(dim=(1, 2))


class StructureRatio(AbstractSignal):
    """Structural distance, divided by that of the last frame repeated: 1 for a prediction that only copies."""

    name = "structure_ratio"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """0 for a perfect prediction, 1 for a copy of the last frame."""
        copy = 1 - ssim(evidence.copy_last_frame, evidence.observed).mean(dim=1)
        return (StructureDistance()(evidence) + FLOOR) / (copy + FLOOR)
