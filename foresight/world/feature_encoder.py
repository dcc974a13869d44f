"""The vision-language model, as a world model needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from adapters import VLMFeatures


class EncodesFeatures(Protocol):
    """A vision-language model that encodes clips and instructions; `foresight.QwenEncoder` is one."""

    hidden_size: int
    vision_size: int
    layers: tuple[int, ...]

    def encode(
        self, frames: Float[Tensor, "batch rgb=3 frame height width"], instructions: list[str], *, frame_rate: float
    ) -> VLMFeatures:
        """Features of clips in [−1, 1] and their instructions, coordinates counted from the first frame."""

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the model into a folder."""
