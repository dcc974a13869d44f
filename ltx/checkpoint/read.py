"""Reading safetensors: one tensor at a time, from one file or a sharded folder, and nothing but safetensors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ltx.checkpoint.errors import CheckpointError, listed
from ltx.checkpoint.formats import refuse_format

FLOAT8 = {torch.float8_e4m3fn, torch.float8_e5m2}


class Weights(Mapping[str, Tensor]):
    """The tensors of one or more safetensors files by key, without wrappers; each access reads one tensor.

    Args:
        files: the files; no key may occur twice.
        device: where tensors are read to.

    Raises:
        CheckpointError: if a file is missing, a pickle, truncated or not safetensors, or a key occurs twice.
    """

    def __init__(self, files: Sequence[Path], device: torch.device | str = "cpu") -> None:
        self.files = tuple(files)
        self._handles: dict[str, tuple[Any, str]] = {}
        self.metadata: dict[str, str] = {}
        for path in self.files:
            handle = _open(path, str(device))
            self.metadata.update(handle.metadata() or {})
            stored = list(handle.keys())
            keys = {unwrapped(key): key for key in stored}
            if twice := self._handles.keys() & keys.keys():
                raise CheckpointError(f"keys in more than one of the files beside {path}: {listed(twice)}")
            if len(keys) < len(stored):
                twice = set(stored) - set(keys.values())
                raise CheckpointError(f"keys of {path} that are there twice, wrapped and plain: {listed(twice)}")
            self._handles.update({key: (handle, own) for key, own in keys.items()})

    def __getitem__(self, key: str) -> Tensor:
        handle, own = self._handles[key]
        tensor: Tensor = handle.get_tensor(own)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._handles)

    def __len__(self) -> int:
        return len(self._handles)

    def shape(self, key: str) -> tuple[int, ...]:
        """Shape of a tensor, without reading it."""
        handle, own = self._handles[key]
        return tuple(handle.get_slice(own).get_shape())

    def dtype(self, key: str) -> str:
        """Name of a tensor's type in the file (F32, BF16, F8_E4M3, …), without reading it."""
        handle, own = self._handles[key]
        return str(handle.get_slice(own).get_dtype())

    @property
    def where(self) -> str:
        """The file, or the folder of a sharded checkpoint, for messages."""
        return str(self.files[0] if len(self.files) == 1 else self.files[0].parent)

    def config(self) -> dict[str, Any]:
        """The JSON object under the metadata key `config`; empty if there is none.

        Raises:
            CheckpointError: if it is not a JSON object.
        """
        return parse_object(self.metadata.get("config", "{}"), f"the metadata `config` of {self.where}")


WRAPPED = re.compile(r"(?:_orig_mod|_checkpoint_wrapped_module|_fsdp_wrapped_module)\.")
"""Names that `torch.compile`, recomputing and parallel training put between those of modules."""


def unwrapped(key: str) -> str:
    """A key without what `torch.compile` and parallel training put into the names of a model they wrap."""
    return WRAPPED.sub("", key).removeprefix("module.")


def _open(path: Path, device: str) -> Any:
    if not path.is_file():
        raise CheckpointError(f"no such file: {path}")
    refuse_format(path)
    try:
        return safe_open(path, framework="pt", device=device)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a complete safetensors file ({error}); download it again") from error


def parse_object(text: str, what: str) -> dict[str, Any]:
    """A JSON object from text.

    Raises:
        CheckpointError: if the text is not JSON or not an object.
    """
    try:
        value = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{what} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"expected a JSON object as {what}, got {type(value).__name__}")
    return value


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        CheckpointError: if the file is missing, not text, or not a JSON object.
    """
    try:
        # Editors of Windows put a byte order mark first.
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"cannot read {path}: {error}") from error
    return parse_object(text, str(path))
