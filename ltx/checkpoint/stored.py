"""A model that is read from and written to checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import nn

from ltx.checkpoint.load import ConfigClass, load_model
from ltx.checkpoint.part import Part
from ltx.checkpoint.save import save_model


class StoredModule(nn.Module):
    """A network made from one configuration, whose parameters have the names of the released single files.

    Attributes:
        part: which part of a checkpoint it is.
        config_class: reads the official fields.
        config: what it was made from.
    """

    part: ClassVar[Part]
    config_class: ClassVar[ConfigClass]
    config: Any

    @classmethod
    def from_pretrained(
        cls,
        where: str | Path,
        *,
        dtype: torch.dtype | str | None = None,
        device: torch.device | str = "cpu",
        revision: str | None = None,
    ) -> Self:
        """Read from a folder, an official safetensors file, a named model or a hub id; see `ltx.checkpoint.load_model`.

        Args:
            where: what to read.
            dtype: type of the weights or its name; None keeps the stored one.
            device: where to put them.
            revision: commit, tag or branch of a hub id.

        Raises:
            CheckpointError: if it cannot be found, or is not exactly this model.
        """
        return load_model(cls, cls.config_class, cls.part, where, dtype=dtype, device=device, revision=revision)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write configuration and weights into a folder, in diffusers layout where diffusers has such a model.

        Raises:
            CheckpointError: if writing fails; the files there before are untouched.
        """
        save_model(self, self.part, folder)
