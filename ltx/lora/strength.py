"""The strength of the updates in a file: tensors, then what is stated in the header and beside; else the rank."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.read import Weights
from ltx.lora.beside import config_beside
from ltx.lora.stated import KOHYA_ALPHA, Stated, beside, in_header

OURS = "ltx_lora"
"""The note of files that were written here, in which alpha is folded into the factors."""


class Strength:
    """Alpha of each update of one file.

    Args:
        file: the file; a configuration may lie beside it.
        weights: what it holds.
        keys: those of the transformer.
        alpha: what the user says, which counts before everything else.

    Raises:
        CheckpointError: if the file's header is damaged, or says that this is no plain LoRA.
    """

    def __init__(self, file: Path, weights: Weights, keys: Sequence[str], alpha: float | None) -> None:
        self._where = weights.where
        self._alpha = alpha
        self._unsaid: list[str] = []
        self._folded = OURS in weights.metadata
        kohya = not any(re.search(r"\.lora_[AB](\.|$)", key) for key in keys)
        self._left = None if kohya else weights.metadata.get(KOHYA_ALPHA)
        self._header = in_header(weights.metadata, kohya=kohya)
        self._header.refuse_others()
        self._file, self._asked = file, False
        self._beside: Stated | None = None

    def of(self, module: str, rank: int, tensor: Tensor | None) -> float:
        """Alpha of one update.

        Args:
            module: its official name.
            rank: of its factors.
            tensor: its `.alpha`, if it has one.

        Raises:
            CheckpointError: if alpha is damaged, or said twice and differently, or the hub cannot be asked for it.
        """
        if self._alpha is not None:
            return self._alpha
        if tensor is not None:
            if tensor.numel() != 1:
                raise CheckpointError(f"expected alpha as a single number, got a tensor {tuple(tensor.shape)}")
            return float(tensor)
        if self._folded:
            return float(rank)
        said = [(one, value) for one in self._statements() if (value := one.alpha(module, rank)) is not None]
        for one, value in said[1:]:
            if not math.isclose(value, said[0][1], rel_tol=1e-6):
                raise CheckpointError(
                    f"{said[0][0].where} says alpha {said[0][1]:g} and {one.where} says {value:g}; "
                    "name the right one with alpha="
                )
        if said:
            return said[0][1]
        self._unsaid.append(module)
        return float(rank)

    def warn(self) -> None:
        """Say, once, that the rank was taken where nothing says alpha."""
        if not self._unsaid:
            return
        left = ""
        if self._left is not None:
            left = (
                f" (its ss_network_alpha {self._left} is not used: what renames kohya's factors so folds it into them)"
            )
        warnings.warn(
            f"nothing in or beside {self._where} says the alpha of {len(self._unsaid)} updates; taken is their rank, a "
            f"scale of 1{left}. If it was trained with another, name it with alpha=",
            stacklevel=3,
        )

    def _statements(self) -> list[Stated]:
        if not self._asked:
            config = config_beside(self._file)
            self._beside = None if config is None else beside(config)
            self._asked = True
            if self._beside is not None:
                self._beside.refuse_others()
        return [self._header] if self._beside is None else [self._header, self._beside]
