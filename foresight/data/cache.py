"""Caches of what frozen networks compute: rows found by everything they depend on, in safetensors shards.

What an encoder has computed lies in a folder `<root>/<first 16 digits of its key>`; the key is the hash of its recipe:
weights, layers, preprocessing, precision. Each row is found by the hash of its clip, so that data sets share rows and a
changed clip is the only one that is computed again. Beside a shard `NAME.safetensors` stands `NAME.json` with the keys
of its rows; it is written last, so a shard with one is complete.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from foresight.data.ragged import ENDS, Ragged, cut
from foresight.reproducibility.fingerprint import differences, fingerprint
from foresight.runs.stale import sweep
from ltx.files import replacing, write_text

FORMAT = "foresight-cache-2"
RECIPE = "encoder.json"

Output = Tensor | Ragged


class StaleCacheError(ValueError):
    """A cache of another recipe than the configuration's, incomplete or damaged."""


@dataclass(frozen=True)
class Shard:
    """A file of rows.

    Args:
        path: of the tensors.
        bytes: its size.
        sha256: of the file.
        axes: of ragged tensors, by name.
        frame_rate: of the clips.
    """

    path: Path
    bytes: int
    sha256: str
    axes: Mapping[str, int]
    frame_rate: float


@dataclass(frozen=True)
class Row:
    """Position of a clip's row in the store, and the clip's instruction."""

    shard: Shard
    place: int
    instruction: str


class RowStore:
    """Stored output of one encoder, read through memory maps.

    Args:
        root: folder of caches.
        recipe: everything the encoder's outputs depend on beside the clip.

    Raises:
        StaleCacheError: if its folder holds something else, or a file that cannot be read.
    """

    def __init__(self, root: Path, recipe: Mapping[str, Any]) -> None:
        # A round trip through JSON, so that it compares equal to what is on disk.
        self.recipe: dict[str, Any] = json.loads(json.dumps(recipe))
        self.folder = root / fingerprint(self.recipe)[:16]
        self._root = root
        self._rows: dict[str, Row] = {}
        self._open: dict[Path, dict[str, Tensor]] = {}
        self._verified: set[Path] = set()
        found = read_recipe(self.folder)
        if found is not None and (different := differences(self.recipe, found)):
            raise StaleCacheError(f"the cache {self.folder} was made from something else: {'; '.join(different)}")
        for notes in sorted(self.folder.glob("*.json")):
            if notes.name != RECIPE:
                self._take(notes)

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    @property
    def bytes(self) -> int:
        """Size of all shards."""
        return sum(shard.bytes for shard in {row.shard.path: row.shard for row in self._rows.values()}.values())

    def write(
        self, keys: Sequence[str], instructions: Sequence[str], frame_rate: float, outputs: Mapping[str, Output]
    ) -> None:
        """Add a shard of rows.

        Args:
            keys: of the clips.
            instructions: what is told in each.
            frame_rate: of all.
            outputs: named; one row for each clip.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / RECIPE).is_file():
            sweep(self.folder)
            write_text(self.folder / RECIPE, json.dumps({"format": FORMAT, "recipe": self.recipe}))
        tensors: dict[str, Tensor] = {}
        axes = {}
        for name, value in outputs.items():
            if isinstance(value, Ragged):
                axes[name] = value.axis
                tensors[name], tensors[name + ENDS] = value.joined().contiguous(), value.ends
            else:
                tensors[name] = value.contiguous()
        path = self.folder / f"{fingerprint({'rows': list(keys)})[:16]}.safetensors"
        with replacing(path) as partial:
            save_file(tensors, partial)
        about = {
            "rows": list(keys),
            "instructions": list(instructions),
            "frame_rate": frame_rate,
            "axes": axes,
            "bytes": path.stat().st_size,
            "sha256": file_digest(path),
        }
        write_text(path.with_suffix(".json"), json.dumps(about))
        self._verified.add(path)
        self._take(path.with_suffix(".json"))

    def row(self, key: str) -> Row:
        """Position of a clip's row.

        Raises:
            StaleCacheError: if it has not been computed; the message names what the nearest encoder has other.
        """
        if key not in self._rows:
            raise StaleCacheError(
                f"expected features cached for this configuration in {self.folder}, found "
                f"{'none' if not self._rows else 'those of other clips'}{self._nearest()}; "
                "make them with `foresight encode` and the same overrides"
            )
        return self._rows[key]

    def rows(self, keys: Sequence[str]) -> dict[str, Output]:
        """Outputs of the given clips, in their order and in the type they are stored in.

        Raises:
            StaleCacheError: if one has not been computed, or its shard is not what was written.
        """
        found = [self.row(key) for key in keys]
        opened = [self._tensors(row.shard) for row in found]
        outputs: dict[str, Output] = {}
        for name in (name for name in opened[0] if not name.endswith(ENDS)):
            axis = found[0].shard.axes.get(name)
            if axis is None:
                outputs[name] = torch.stack([held[name][row.place] for held, row in zip(opened, found, strict=True)])
            else:
                pieces = [
                    cut(held[name], held[name + ENDS], axis, row.place) for held, row in zip(opened, found, strict=True)
                ]
                outputs[name] = Ragged(pieces, axis)
        return outputs

    def verify(self, keys: Sequence[str]) -> None:
        """Compare the shards of these clips with their checksums, each once.

        Raises:
            StaleCacheError: if one does not match.
        """
        for shard in {self.row(key).shard.path: self.row(key).shard for key in keys}.values():
            if shard.path not in self._verified:
                if file_digest(shard.path) != shard.sha256:
                    raise StaleCacheError(f"{shard.path} is damaged; delete it and encode again")
                self._verified.add(shard.path)

    def _take(self, notes: Path) -> None:
        """Note the rows of a shard; one whose tensors are gone is computed again."""
        path = notes.with_suffix(".safetensors")
        if not path.is_file():
            return
        try:
            about = json.loads(notes.read_text(encoding="utf-8"))
            shard = Shard(path, about["bytes"], about["sha256"], about["axes"], about["frame_rate"])
            told = zip(about["rows"], about["instructions"], strict=True)
            rows = {key: Row(shard, place, text) for place, (key, text) in enumerate(told)}
        except (ValueError, KeyError, TypeError) as error:
            raise StaleCacheError(f"expected notes on a shard in {notes}, got {error}; delete it") from error
        if path.stat().st_size != shard.bytes:
            raise StaleCacheError(f"expected {shard.bytes} bytes in {path}; delete it and encode again")
        self._rows |= rows

    def _tensors(self, shard: Shard) -> dict[str, Tensor]:
        # safetensors maps a file and gives views of the map: rows are read when they are touched.
        if shard.path not in self._open:
            try:
                with safe_open(shard.path, framework="pt") as file:
                    names = list(file.keys())
                    self._open[shard.path] = {name: file.get_tensor(name) for name in names}
            except (SafetensorError, OSError) as error:
                raise StaleCacheError(f"{shard.path} is damaged ({error}); delete it and encode again") from error
        return self._open[shard.path]

    def _nearest(self) -> str:
        others = [found for folder in sorted(self._root.glob("*")) if (found := read_recipe(folder)) is not None]
        others = [found for found in others if found.get("kind") == self.recipe.get("kind") and found != self.recipe]
        if self._rows or not others:
            return ""
        closest = min((differences(self.recipe, found) for found in others), key=len)
        return f" (the nearest differs: {'; '.join(closest[:3])})"

    def __getstate__(self) -> dict[str, Any]:
        # Data workers open their own maps.
        return {**self.__dict__, "_open": {}}


def read_recipe(folder: Path) -> dict[str, Any] | None:
    """Recipe of the rows of a folder, or None where there are none of this format.

    Raises:
        StaleCacheError: if that cannot be read.
    """
    path = folder / RECIPE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found: dict[str, Any] = content["recipe"]
        known = content["format"] == FORMAT
    except (ValueError, KeyError, TypeError) as error:
        raise StaleCacheError(f"expected the recipe of a cache in {path}, got {error}; delete {folder}") from error
    if not known:
        raise StaleCacheError(
            f"expected format {FORMAT} in {path}, got {content['format']!r}; delete {folder} and encode again"
        )
    return found


def earlier_caches(root: Path) -> list[Path]:
    """Folders of the format before this one, whose rows cannot be told from each other and are not read."""
    return sorted(manifest.parent for manifest in root.glob("*/manifest.json"))


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
