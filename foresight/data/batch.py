"""Batches that data modules hand to training steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Float
from torch import Tensor

from adapters.types import VLMFeatures

FEATURES = {
    field.name: "vlm_tokens_mask" if field.name == "mask" else f"vlm_{field.name}" for field in fields(VLMFeatures)
}
"""Names of a VLM's features among the tensors of a batch, by their fields."""


@dataclass(frozen=True)
class ClipBatch:
    """Videos with their instructions."""

    video: Float[Tensor, "batch channel frame height width"]
    """In [−1, 1]."""
    instructions: tuple[str, ...]
    frame_rate: float
    """Frames per second."""
    seeds: tuple[int, ...]
    """What makes each clip again."""

    def __len__(self) -> int:
        return len(self.instructions)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> ClipBatch:
        """The same batch on another device."""
        return replace(self, video=self.video.to(device, non_blocking=non_blocking))


@dataclass(frozen=True)
class FeatureBatch:
    """Rows of a feature cache."""

    tensors: Mapping[str, Tensor]
    """By the names the encoder gave them, one row per clip; floating-point tensors are float32."""
    instructions: tuple[str, ...]
    frame_rate: float
    """Frames per second."""
    rows: Tensor
    """Which rows of the cache these are."""

    @classmethod
    def of(
        cls,
        latents: Float[Tensor, "batch channel latent_frame row column"],
        instructions: Sequence[str],
        frame_rate: float,
        *,
        features: VLMFeatures | None = None,
    ) -> FeatureBatch:
        """A batch for the objectives of what one's own loop has encoded, without any cache.

        Args:
            latents: normalised, of whole clips.
            instructions: what is told in each.
            frame_rate: of the clips, frames per second.
            features: what a VLM makes of their beginnings.

        Raises:
            ValueError: if there are not as many of each.
        """
        counts = {len(latents), len(instructions), *([] if features is None else [len(features.tokens)])}
        if len(counts) > 1:
            raise ValueError(f"expected as many latents, instructions and features, got {sorted(counts)}")
        tensors = {"latents": latents}
        if features is not None:
            tensors |= {name: getattr(features, field) for field, name in FEATURES.items()}
        rows = torch.arange(len(latents), device=latents.device)
        return cls(tensors, tuple(instructions), frame_rate, rows)

    def first(self, count: int) -> FeatureBatch:
        """The first clips."""
        tensors = {name: tensor[:count] for name, tensor in self.tensors.items()}
        return replace(self, tensors=tensors, instructions=self.instructions[:count], rows=self.rows[:count])

    @property
    def features(self) -> VLMFeatures:
        """VLM features of the clips' contexts.

        Raises:
            ValueError: if the batch holds none.
        """
        return VLMFeatures(**{field: self[name] for field, name in FEATURES.items()})

    def __len__(self) -> int:
        return len(self.instructions)

    def __getitem__(self, name: str) -> Tensor:
        """A tensor by name.

        Raises:
            ValueError: if the cache holds no such tensor.
        """
        if name not in self.tensors:
            raise ValueError(f"expected a cached tensor out of {', '.join(sorted(self.tensors))}; got {name!r}")
        return self.tensors[name]

    def to(self, device: torch.device | str, non_blocking: bool = False) -> FeatureBatch:
        """The same batch on another device."""
        moved = {name: tensor.to(device, non_blocking=non_blocking) for name, tensor in self.tensors.items()}
        return replace(self, tensors=moved, rows=self.rows.to(device, non_blocking=non_blocking))


@dataclass(frozen=True)
class MultiSizeBatch:
    """Clips of several sizes, images among them, that training cuts to sequences of one length."""

    latents: tuple[Float[Tensor, "channel _frame _height _width"], ...]
    """Of each clip; an image is one latent frame."""
    instructions: tuple[str, ...]
    frame_rates: tuple[float, ...]
    """Frames per second of each clip."""
    tokens: int
    """The length."""

    def __len__(self) -> int:
        return len(self.instructions)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> MultiSizeBatch:
        """The same batch on another device."""
        return replace(self, latents=tuple(clip.to(device, non_blocking=non_blocking) for clip in self.latents))
