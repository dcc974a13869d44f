"""Reading safetensors: one tensor at a time, from one file or a sharded folder, and nothing but safetensors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ltx.checkpoint.errors import CheckpointError, listed

PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"}
PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
FLOAT8 = {torch.float8_e4m3fn, torch.float8_e5m2}
INDEX_SUFFIX = ".safetensors.index.json"


def refuse_pickle(path: Path) -> None:
    """Refuse a file that could run code when read, by its name and by its first bytes.

    Raises:
        CheckpointError: if the file is a pickle or a torch archive.
    """
    with path.open("rb") as file:
        start = file.read(9)
    # A safetensors file starts with the header's length in eight bytes, which may look like a pickle, and a brace.
    safetensors = start[4:] == b"\x00\x00\x00\x00{"
    if path.suffix.lower() in PICKLES or (start.startswith(PICKLE_STARTS) and not safetensors):
        raise CheckpointError(
            f"{path} is a pickle, which can run code when it is read; only safetensors files are read. "
            "Convert it where you trust it, with safetensors.torch.save_file"
        )


class Weights(Mapping[str, Tensor]):
    """The tensors of one or more safetensors files by key; each access reads one tensor.

    Args:
        files: the files; no key may occur twice.
        device: where tensors are read to.

    Raises:
        CheckpointError: if a file is missing, a pickle, truncated or not safetensors, or a key occurs twice.
    """

    def __init__(self, files: Sequence[Path], device: torch.device | str = "cpu") -> None:
        self.files = tuple(files)
        self._handles: dict[str, Any] = {}
        self.metadata: dict[str, str] = {}
        for path in self.files:
            handle = _open(path, str(device))
            self.metadata.update(handle.metadata() or {})
            keys = list(handle.keys())
            if twice := self._handles.keys() & set(keys):
                raise CheckpointError(f"keys in more than one of the files beside {path}: {listed(twice)}")
            self._handles.update(dict.fromkeys(keys, handle))

    def __getitem__(self, key: str) -> Tensor:
        tensor: Tensor = self._handles[key].get_tensor(key)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._handles)

    def __len__(self) -> int:
        return len(self._handles)

    def shape(self, key: str) -> tuple[int, ...]:
        """Shape of a tensor, without reading it."""
        return tuple(self._handles[key].get_slice(key).get_shape())

    def dtype(self, key: str) -> str:
        """Name of a tensor's type in the file (F32, BF16, F8_E4M3, …), without reading it."""
        return str(self._handles[key].get_slice(key).get_dtype())

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


def _open(path: Path, device: str) -> Any:
    if not path.is_file():
        raise CheckpointError(f"no such file: {path}")
    refuse_pickle(path)
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
        value = json.loads(text)
    except ValueError as error:
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
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"cannot read {path}: {error}") from error
    return parse_object(text, str(path))


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The safetensors files of one model folder: those its index names, or the only one there.

    Raises:
        CheckpointError: if there is none, more than one without index, or the index names missing files.
    """
    indices = sorted(folder.glob(f"*{INDEX_SUFFIX}"))
    if len(indices) == 1:
        return _indexed(indices[0])
    found = sorted(path for path in folder.glob("*.safetensors") if not path.name.startswith("."))
    if len(found) == 1:
        return (found[0],)
    if not found and (pickles := sorted(path for path in folder.iterdir() if path.suffix in PICKLES)):
        refuse_pickle(pickles[0])
    names = listed(path.name for path in folder.iterdir())
    raise CheckpointError(f"expected one safetensors file, or shards with an index, in {folder}; it holds {names}")


def _indexed(index: Path) -> tuple[Path, ...]:
    table = read_object(index).get("weight_map")
    if not isinstance(table, dict) or not table:
        raise CheckpointError(f"expected a `weight_map` in {index}")
    names = sorted(set(table.values()))
    if outside := [name for name in names if Path(name).name != name]:
        raise CheckpointError(f"{index} names files outside its folder: {listed(outside)}")
    if missing := [name for name in names if not (index.parent / name).is_file()]:
        raise CheckpointError(f"{index} names shards that are not there: {listed(missing)}")
    return tuple(index.parent / name for name in names)
