"""Sizes of a latent upsampler, in the spelling of the released files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

GROUPS = 32
"""Groups of every group norm."""

_FALLBACK: dict[str, Any] = {
    "in_channels": 4,
    "mid_channels": 128,
    "num_blocks_per_stage": 4,
    "dims": 2,
    "spatial_upsample": True,
    "temporal_upsample": False,
}
"""What the release's own reader takes for a field that a file's metadata leaves out."""


@dataclass(frozen=True, kw_only=True)
class UpsamplerConfig:
    """Sizes of a `LatentUpsampler`.

    Args:
        in_channels: channels of the latents.
        mid_channels: width of the network, a multiple of 32.
        num_blocks_per_stage: residual blocks before and after upsampling.
        dims: 3 for convolutions over time and space, 2 for each frame on its own.
        spatial_upsample: whether rows and columns double.
        temporal_upsample: whether n frames become 2n − 1.

    Raises:
        ValueError: if the sizes do not fit, nothing is upsampled, or time is to be upsampled frame by frame.
    """

    in_channels: int
    mid_channels: int
    num_blocks_per_stage: int
    dims: int
    spatial_upsample: bool
    temporal_upsample: bool

    def __post_init__(self) -> None:
        if min(self.in_channels, self.num_blocks_per_stage) < 1:
            raise ValueError(
                f"expected at least one channel and one block per stage, got {self.in_channels} and "
                f"{self.num_blocks_per_stage}"
            )
        if self.mid_channels < GROUPS or self.mid_channels % GROUPS:
            raise ValueError(f"expected mid_channels to be a positive multiple of {GROUPS}, got {self.mid_channels}")
        if self.dims not in (2, 3):
            raise ValueError(f"expected dims 2 or 3, got {self.dims}")
        if not (self.spatial_upsample or self.temporal_upsample):
            raise ValueError("expected spatial_upsample, temporal_upsample or both")
        if self.temporal_upsample and self.dims == 2:
            raise ValueError("expected dims 3 for temporal upsampling: with dims 2 frames do not see each other")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> UpsamplerConfig:
        """From the metadata `config` of an official file.

        A missing field takes what the release's reader takes: 4 and 128 channels, 4 blocks, dims 2, spatial only.

        Raises:
            ValueError: for unknown fields and for sizes that do not fit.
        """
        names = {field.name for field in fields(cls)}
        given = {name: value for name, value in values.items() if not name.startswith("_")}
        if unknown := set(given) - names:
            raise ValueError(f"unknown fields in the upsampler configuration: {sorted(unknown)}")
        return cls(**{**_FALLBACK, **given})

    def to_dict(self) -> dict[str, Any]:
        """The metadata `config` of an official file, complete."""
        return asdict(self)

    @property
    def factors(self) -> tuple[int, int, int]:
        """Factors (frames, rows, columns) of the shuffle, before the first frame is dropped."""
        time, space = (2 if self.temporal_upsample else 1), (2 if self.spatial_upsample else 1)
        return time, space, space
