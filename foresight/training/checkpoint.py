"""Training checkpoints: one safetensors file, written atomically, verified in full before it is used.

A file holds every tensor of the training state, and as metadata the rest of the state as JSON and the SHA-256 of each
tensor. Nothing is ever unpickled, a flipped bit is found by name, and a kill at any moment leaves the old file or the
new one.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from pathlib import Path
from typing import Any

from lightning.fabric.plugins import CheckpointIO
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from foresight.reproducibility.tensor_tree import content_bytes, flatten, unflatten
from foresight.runs.stale import sweep
from ltx.files import replacing

FORMAT = "foresight-training-1"
SUFFIX = ".safetensors"
_STEP = re.compile(r"^step-(?P<step>\d+)\.safetensors$")

log = logging.getLogger(__name__)


class CorruptCheckpointError(ValueError):
    """A training checkpoint is not one, is incomplete, or does not match its own checksums."""


def write(state: dict[str, Any], path: Path) -> None:
    """Write a training state atomically.

    Raises:
        ValueError: if the state holds something that is neither data nor a tensor.
        OSError: if the file cannot be written; what stood there before is intact.
    """
    tree, tensors = flatten(state)
    metadata = {
        "format": FORMAT,
        "tree": tree,
        "sha256": json.dumps({name: _digest(tensor) for name, tensor in tensors.items()}),
        "tree_sha256": hashlib.sha256(tree.encode()).hexdigest(),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            save_file(tensors, partial, metadata)
    except (OSError, SafetensorError) as error:
        size = sum(tensor.nbytes for tensor in tensors.values())
        raise OSError(f"could not write the checkpoint {path} ({size / 1e6:.1f} MB): {error}") from error


def read(path: Path) -> dict[str, Any]:
    """Read a training state, after checking every tensor against its checksum.

    Raises:
        CorruptCheckpointError: if anything in the file is not what was written; the message names it.
        FileNotFoundError: if there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"expected a training checkpoint at {path}, found no file")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise CorruptCheckpointError(
                    f"expected a training checkpoint ({FORMAT}) in {path}, got format {metadata.get('format')!r}"
                )
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        digests = json.loads(metadata["sha256"])
        tree = metadata["tree"]
        damaged = [name for name in digests.keys() | tensors.keys() if not _matches(name, digests, tensors)]
        if damaged or hashlib.sha256(tree.encode()).hexdigest() != metadata["tree_sha256"]:
            raise CorruptCheckpointError(f"{path} does not match its checksums at {damaged or 'its JSON part'}")
        state: dict[str, Any] = unflatten(tree, tensors)
    except CorruptCheckpointError:
        raise
    except (SafetensorError, ValueError, KeyError, OSError) as error:
        raise CorruptCheckpointError(f"{path} is damaged: {error}") from error
    return state


def _digest(tensor: Tensor) -> str:
    digest = hashlib.sha256(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
    if tensor.numel():
        digest.update(content_bytes(tensor))
    return digest.hexdigest()


def _matches(name: str, digests: dict[str, str], tensors: dict[str, Tensor]) -> bool:
    return name in digests and name in tensors and digests[name] == _digest(tensors[name])


def path_of_step(folder: Path, step: int) -> Path:
    """Path of the checkpoint of an optimizer step."""
    return folder / f"step-{step:09d}{SUFFIX}"


def step_of(path: Path) -> int:
    """The optimizer step of a checkpoint named by `path_of_step`."""
    return int(path.stem.rpartition("-")[2])


def steps(folder: Path) -> list[Path]:
    """The checkpoints of a folder, newest first."""
    matches = [(int(m["step"]), path) for path in folder.glob("*") if (m := _STEP.match(path.name))]
    return [path for _, path in sorted(matches, reverse=True)]


def newest(folder: Path) -> Path | None:
    """The newest checkpoint that verifies, or None when there is none.

    Leftovers of killed writers are swept; damaged checkpoints are passed over with a warning that names them.
    """
    if not folder.is_dir():
        return None
    sweep(folder)
    for path in steps(folder):
        try:
            read(path)
        except CorruptCheckpointError as error:
            log.warning("%s; trying the one before it", error)
        else:
            return path
    return None


class VerifiedCheckpointIO(CheckpointIO):
    """Lightning's checkpoint plug-in over `write` and `read`."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any | None = None
    ) -> None:
        """Write a training state; see `write`."""
        write(checkpoint, Path(path))

    def load_checkpoint(
        self, path: str | os.PathLike[str], map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a training state onto the CPU; see `read`. There is no unsafe mode: `weights_only` changes nothing."""
        return read(Path(path))

    def remove_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Delete a checkpoint."""
        Path(path).unlink(missing_ok=True)
