"""Writing files so that a kill or a full disk leaves the old ones intact: written beside, synced, then renamed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.weight_files import INDEX_SUFFIX
from ltx.files import replacing

SHARD_BYTES = 10_000_000_000
WEIGHTS = "diffusion_pytorch_model"


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write one safetensors file.

    Raises:
        CheckpointError: if writing fails; the old file is untouched.
    """
    with _intact(path.parent) as files:
        _add_tensors(files, path, tensors, metadata)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write one JSON file, keys sorted.

    Raises:
        CheckpointError: if writing fails; the old file is untouched.
    """
    with _intact(path.parent) as files:
        _add_json(files, path, value)


@contextmanager
def _intact(folder: Path) -> Iterator[ExitStack]:
    """New versions of files of one folder, which take their names together when the block ends without an error."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as files:
            yield files
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"could not write into {folder}, the old files are untouched: {error}") from error


def _add_tensors(files: ExitStack, path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    ready = {key: tensor.detach().contiguous() for key, tensor in tensors.items()}
    save_file(ready, files.enter_context(replacing(path)), metadata={"format": "pt", **metadata})


def _add_json(files: ExitStack, path: Path, value: Mapping[str, Any]) -> None:
    text = json.dumps(value, indent=2, sort_keys=True) + "\n"
    files.enter_context(replacing(path)).write_text(text, encoding="utf-8")


def shards(tensors: Mapping[str, Tensor], limit: int) -> list[dict[str, Tensor]]:
    """Tensors in their order, cut so that each group has at most `limit` bytes (one tensor at least)."""
    groups: list[dict[str, Tensor]] = [{}]
    size = 0
    for key, tensor in tensors.items():
        if groups[-1] and size + tensor.nbytes > limit:
            groups.append({})
            size = 0
        groups[-1][key] = tensor
        size += tensor.nbytes
    return groups


def write_model_folder(
    folder: Path, tensors: Mapping[str, Tensor], config: Mapping[str, Any], *, shard_bytes: int = SHARD_BYTES
) -> None:
    """Write `config.json` and the weights of one model, sharded with an index above `shard_bytes`.

    Raises:
        CheckpointError: if writing fails; what was in the folder is untouched.
    """
    groups = shards(tensors, shard_bytes)
    with _intact(folder) as files:
        names = [f"{WEIGHTS}.safetensors"]
        if len(groups) > 1:
            names = [f"{WEIGHTS}-{n:05d}-of-{len(groups):05d}.safetensors" for n in range(1, len(groups) + 1)]
            table = {key: name for name, group in zip(names, groups, strict=True) for key in group}
            size = sum(tensor.nbytes for tensor in tensors.values())
            _add_json(
                files, folder / f"{WEIGHTS}{INDEX_SUFFIX}", {"metadata": {"total_size": size}, "weight_map": table}
            )
        for name, group in zip(names, groups, strict=True):
            _add_tensors(files, folder / name, group, {})
        _add_json(files, folder / "config.json", config)
    # Weights of an earlier save under other names would make the folder ambiguous.
    for old in folder.glob(f"{WEIGHTS}*.safetensors*"):
        index_kept = old.name.endswith(INDEX_SUFFIX) and len(groups) > 1
        if old.name not in names and not index_kept:
            old.unlink()
