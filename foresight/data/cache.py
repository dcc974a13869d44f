"""Caches of what frozen networks compute: safetensors shards keyed by everything they depend on.

A cache is a folder `<root>/<first 16 digits of the key>` with `manifest.json` and shards of equally many rows. The key
is the hash of the recipe: weights, configuration, layers, preprocessing and data. The manifest is written last, so a
cache with a manifest is complete; shards that are there already are kept when an interrupted run goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from foresight.data.batch import CachedBatch
from foresight.data.fingerprint import differences, fingerprint

FORMAT = "foresight-cache-1"


class StaleCacheError(ValueError):
    """What is cached is not what the configuration asks for, is incomplete, or is damaged."""


class FeatureCache:
    """A complete cache on disk, read through memory maps.

    Args:
        root: folder of caches.
        recipe: what the content must be made from.

    Raises:
        StaleCacheError: if there is no complete cache for that recipe; the message names what differs.
    """

    def __init__(self, root: Path, recipe: dict[str, Any]) -> None:
        self.folder = folder_of(root, recipe)
        manifest = read_manifest(self.folder)
        if manifest is None:
            raise StaleCacheError(
                f"expected features cached for this configuration in {self.folder}, found none"
                f"{_nearest(root, recipe)}; make them with `foresight encode` and the same overrides"
            )
        different = differences(recipe, manifest["recipe"])
        if different:
            raise StaleCacheError(f"the cache {self.folder} was made from something else: {'; '.join(different)}")
        self._manifest = manifest
        for shard in manifest["shards"]:
            path = self.folder / shard["file"]
            if not path.is_file() or path.stat().st_size != shard["bytes"]:
                raise StaleCacheError(
                    f"expected {shard['bytes']} bytes in {path}; delete {self.folder} and encode again"
                )

    def __len__(self) -> int:
        rows: int = self._manifest["rows"]
        return rows

    @property
    def names(self) -> list[str]:
        """Names of the cached tensors."""
        return sorted(self._manifest["tensors"])

    def verify(self) -> None:
        """Compare every shard with its checksum.

        Raises:
            StaleCacheError: if one does not match.
        """
        for shard in self._manifest["shards"]:
            if file_digest(self.folder / shard["file"]) != shard["sha256"]:
                raise StaleCacheError(f"{self.folder / shard['file']} is damaged; delete it and encode again")

    def batch(self, indices: Sequence[int]) -> CachedBatch:
        """The given rows, floating-point tensors as float32."""
        rows = torch.as_tensor(indices, dtype=torch.int64)
        per_shard = self._manifest["rows_per_shard"]
        tensors = {}
        for name in self.names:
            picked = [self._shards[row // per_shard][name][row % per_shard] for row in rows.tolist()]
            stacked = torch.stack(picked)
            tensors[name] = stacked.float() if stacked.is_floating_point() else stacked
        texts, index = self._manifest["instructions"], self._manifest["instruction_of_row"]
        return CachedBatch(
            tensors=tensors,
            instructions=tuple(texts[index[row]] for row in rows.tolist()),
            frame_rate=self._manifest["frame_rate"],
            rows=rows,
        )

    @cached_property
    def _shards(self) -> list[dict[str, Tensor]]:
        # safetensors maps a file and gives views of the map: rows are read when they are touched.
        shards = []
        for shard in self._manifest["shards"]:
            with safe_open(self.folder / shard["file"], framework="pt") as file:
                shards.append({name: file.get_tensor(name) for name in self.names})
        return shards

    def __getstate__(self) -> dict[str, Any]:
        # Data workers open their own maps.
        return {name: value for name, value in self.__dict__.items() if name != "_shards"}


def folder_of(root: Path, recipe: dict[str, Any]) -> Path:
    """Where the cache of a recipe lies."""
    return root / fingerprint(recipe)[:16]


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a complete cache, or None when there is none.

    Raises:
        StaleCacheError: if there is one that cannot be read.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        return None
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        known = manifest["format"] == FORMAT
    except (ValueError, KeyError, TypeError) as error:
        raise StaleCacheError(f"expected a cache manifest in {path}, got {error}; delete {folder}") from error
    if not known:
        raise StaleCacheError(f"expected format {FORMAT} in {path}, got {manifest['format']!r}; delete {folder}")
    return manifest


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def readable_shard(path: Path, rows: int) -> bool:
    """Whether a shard holds tensors of that many rows."""
    try:
        with safe_open(path, framework="pt") as file:
            return all(file.get_slice(name).get_shape()[0] == rows for name in file.keys())  # noqa: SIM118
    except (SafetensorError, OSError):
        return False


def row_shapes(path: Path) -> dict[str, list[int]]:
    """Names of a shard's tensors and the shape of one row of each."""
    with safe_open(path, framework="pt") as file:
        return {name: list(file.get_slice(name).get_shape()[1:]) for name in file.keys()}  # noqa: SIM118


def _nearest(root: Path, recipe: dict[str, Any]) -> str:
    manifests = [manifest for folder in sorted(root.glob("*")) if (manifest := read_manifest(folder))]
    if not manifests:
        return ""
    closest = min((differences(recipe, manifest["recipe"]) for manifest in manifests), key=len)
    return f" (the nearest differs: {'; '.join(closest[:3])})"
