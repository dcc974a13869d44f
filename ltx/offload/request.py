"""Device, type and storage as a user asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import torch


class PlacementWords(TypedDict, total=False):
    """Keywords of a `PlacementRequest`."""

    device: torch.device | str
    dtype: torch.dtype | str | None
    offload: str
    storage: str


@dataclass(frozen=True)
class PlacementRequest:
    """Device, type and storage that a user asks for; `ltx.offload.placement.decide` answers.

    Args:
        device: its name; "auto" is the GPU where there is one.
        dtype: to compute in, also by name; None and "auto" leave it open.
        offload: "none" keeps all models on the device, "parts" the one that is in use, "blocks" two blocks of it;
            "auto" is the first of these that its free memory allows.
        storage: "stored"; "float8" keeps the transformer's matrices in eight bits and casts them when they are used;
            "int8-torchao" and "float8-torchao" let torchao multiply in eight bits.
    """

    device: torch.device | str = "auto"
    dtype: torch.dtype | str | None = None
    offload: str = "auto"
    storage: str = "stored"

    @property
    def says_dtype(self) -> bool:
        """True unless the type is left open."""
        return self.dtype not in (None, "auto")
