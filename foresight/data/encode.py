"""Filling feature caches: each frozen encoder runs once over all clips that it has not seen, one network at a time."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from foresight.data.account import GivesAccount
from foresight.data.batch import ClipBatch, FeatureBatch
from foresight.data.cache import Output, RowStore, earlier_caches
from foresight.data.frozen import release
from foresight.data.ragged import Ragged
from foresight.data.reconstruction import Reconstruction, Reconstructs, reconstruction
from foresight.data.source import ClipSource
from foresight.errors import UserError
from foresight.progress import Progress
from foresight.reproducibility.fingerprint import fingerprint
from ltx.shapes import VideoShape

SHARD_BYTES = 1 << 28
"""A shard ends when it holds this much, whatever its number of rows: so much is kept in memory until it is written."""


class Encoder(Protocol):
    """A frozen network whose outputs are cached."""

    def recipe(self) -> dict[str, Any]:
        """Everything the outputs depend on beside the clips: weights, configuration, preprocessing, precision."""
        ...

    def row_bytes(self, shape: VideoShape, frame_rate: float) -> int:
        """About how many bytes the outputs of a clip take."""
        ...

    def __call__(self, batch: ClipBatch) -> Mapping[str, Output]:
        """Named outputs, one row per clip, whose axes are equally long for every clip, but the one of a `Ragged`."""
        ...


class EncodedClips:
    """The cached outputs of encoders over a source of clips; a source of training data itself.

    Rows that were stored ragged come filled up to the longest of a batch, with `NAME_mask` beside `NAME`.

    Args:
        clips: what to encode.
        encoders: by name; their outputs are joined and must have different names.
        root: folder of caches.
        batch: clips per call of the encoders.
        shard: most rows per file.
    """

    def __init__(
        self, *, clips: ClipSource, encoders: Mapping[str, Encoder], root: str | Path, batch: int, shard: int
    ) -> None:
        if batch < 1 or shard < 1 or not encoders:
            raise ValueError(f"expected batch, shard ≥ 1 and an encoder; got {batch}, {shard}, {sorted(encoders)}")
        self.clips, self.encoders = clips, dict(encoders)
        self.root, self._batch, self._shard = Path(root), batch, shard

    @property
    def caches(self) -> list[EncodedClips]:
        """Itself: what is to be encoded before it is read."""
        return [self]

    @cached_property
    def stores(self) -> dict[str, RowStore]:
        """Stores of the encoders' outputs, by encoder."""
        return {name: RowStore(self.root, encoder.recipe()) for name, encoder in self.encoders.items()}

    @cached_property
    def keys(self) -> list[str]:
        """Keys of the clips, in order."""
        return [fingerprint(recipe)[:32] for recipe in self.clips.row_recipes()]

    @property
    def instructions(self) -> tuple[str, ...]:
        """Instruction of each clip.

        Raises:
            StaleCacheError: if a clip has not been encoded.
        """
        store = next(iter(self.stores.values()))
        return tuple(store.row(key).instruction for key in self.keys)

    def recipe(self) -> dict[str, Any]:
        """Recipes of the clips and of every encoder."""
        return {"clips": self.clips.recipe(), "encoders": {name: store.recipe for name, store in self.stores.items()}}

    def missing(self, name: str) -> dict[str, int]:
        """Clips that an encoder has not seen, by their keys, each once."""
        return {key: row for row, key in enumerate(self.keys) if key not in self.stores[name]}

    def account(self) -> list[str]:
        """Account of the videos, if the clips can give one."""
        return self.clips.account() if isinstance(self.clips, GivesAccount) else []

    def reconstruction(self) -> Reconstruction | None:
        """Reconstruction quality of a few clips by the encoder that can decode; None if none can."""
        drawers = [encoder for encoder in self.encoders.values() if isinstance(encoder, Reconstructs)]
        if not drawers:
            return None
        self.clips.prepare()
        found = reconstruction(self.clips, drawers[0], self.root)
        release()
        return found

    def prepare(self) -> None:
        """Encode what is missing, silently.

        Raises:
            StaleCacheError: if a cache is damaged.
            UserError: if there is not enough space.
            ValueError: if an encoder returns rows of another number or a value that is not finite.
        """
        fill([self], lambda done, total: None)

    def encode(self, name: str, progress: Callable[[int], None]) -> None:
        """Run an encoder over the clips that it has not seen.

        Args:
            name: of the encoder.
            progress: told of so many clips that are done.
        """
        missing = list(self.missing(name).items())
        keys: list[str] = []
        parts: list[Mapping[str, Output]] = []
        told: list[str] = []
        for first in range(0, len(missing), self._batch):
            chosen = missing[first : first + self._batch]
            clips = self.clips.__getitems__([row for _, row in chosen])
            with torch.no_grad():
                parts.append(_checked(name, self.encoders[name](clips), clips))
            keys += [key for key, _ in chosen]
            told += clips.instructions
            last = first + self._batch >= len(missing)
            if last or len(keys) + self._batch > self._shard or sum(map(_bytes, parts)) >= SHARD_BYTES:
                self.stores[name].write(keys, told, clips.frame_rate, _together(parts))
                keys, parts, told = [], [], []
            progress(len(chosen))

    def verify(self) -> None:
        """Compare every shard with its checksum.

        Raises:
            StaleCacheError: if one does not match, or a clip has not been encoded.
        """
        for store in self.stores.values():
            store.verify(self.keys)

    @property
    def names(self) -> list[str]:
        """Names of the cached tensors."""
        return sorted(name for store in self.stores.values() for name in store.rows(self.keys[:1]))

    def __len__(self) -> int:
        return len(self.clips)

    def __getitems__(self, indices: Sequence[int]) -> FeatureBatch:
        """The given rows of the cache, floating-point tensors as float32.

        Raises:
            StaleCacheError: if the cache has not been made.
        """
        rows = torch.as_tensor(indices, dtype=torch.int64)
        keys = [self.keys[row] for row in rows.tolist()]
        tensors: dict[str, Tensor] = {}
        for encoder, store in self.stores.items():
            for name, value in store.rows(keys).items():
                if name in tensors:
                    raise ValueError(f"expected different names from each encoder, {encoder} gives {name!r} again")
                if isinstance(value, Ragged):
                    value, tensors[f"{name}_mask"] = value.filled()
                tensors[name] = value.float() if value.is_floating_point() else value
        found = [next(iter(self.stores.values())).row(key) for key in keys]
        return FeatureBatch(
            tensors=tensors,
            instructions=tuple(row.instruction for row in found),
            frame_rate=found[0].shard.frame_rate,
            rows=rows,
        )

    def __getstate__(self) -> dict[str, Any]:
        # Data workers read; they need the rows, not the encoders.
        return {**self.__dict__, "stores": self.stores, "keys": self.keys, "encoders": {}}


def caches_of(source: Any) -> list[EncodedClips]:
    """Caches to fill before a source of training data is read."""
    found: list[EncodedClips] = getattr(source, "caches", [])
    return found


def fill(caches: Sequence[EncodedClips], progress: Progress) -> None:
    """Encode what is missing of several sources, one network after the other, and verify what is there.

    Args:
        caches: sources, such as those of training and of validation.
        progress: called with (clips done, clips in all), counted for each encoder.

    Raises:
        StaleCacheError: if a cache is damaged.
        UserError: if there is not enough space.
        ValueError: if an encoder returns rows of another number or a value that is not finite.
    """
    for cache in caches:
        cache.clips.prepare()
    work: dict[Path, list[tuple[EncodedClips, str]]] = {}
    for cache in caches:
        for name, store in cache.stores.items():
            work.setdefault(store.folder, []).append((cache, name))
    counts = {(id(cache), name): len(cache.missing(name)) for pairs in work.values() for cache, name in pairs}
    total, done = sum(counts.values()), 0
    if total:
        _check_space(caches)
        _mention_earlier({cache.root for cache in caches})

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(done, total)

    for pairs in work.values():
        for cache, name in pairs:
            if counts[id(cache), name]:
                # Another source may have computed some of them by now, into the same folder.
                cache.stores[name] = RowStore(cache.root, cache.stores[name].recipe)
                cache.encode(name, count)
    release()
    for cache in caches:
        cache.verify()


def needed_bytes(cache: EncodedClips) -> int:
    """About how many bytes the rows that are missing will take."""
    shape, rate = cache.clips.shape, cache.clips.frame_rate
    return sum(len(cache.missing(name)) * encoder.row_bytes(shape, rate) for name, encoder in cache.encoders.items())


def _check_space(caches: Sequence[EncodedClips]) -> None:
    wanted: dict[Path, int] = {}
    for cache in caches:
        wanted[cache.root] = wanted.get(cache.root, 0) + needed_bytes(cache)
    for root, size in wanted.items():
        there = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
        free = shutil.disk_usage(there).free
        if size > free:
            raise UserError(
                expected=f"about {size / 1e9:.3g} GB of free space for what is encoded in {root}",
                got=f"{free / 1e9:.3g} GB",
                remedy="free some, give paths.cache= another place, or take fewer or smaller clips",
            )


def _mention_earlier(roots: set[Path]) -> None:
    for root in sorted(roots):
        if found := earlier_caches(root):
            warnings.warn(
                f"{root} holds {len(found)} caches of an earlier format, which are not read: clips are encoded again, "
                f"and {', '.join(path.name for path in found[:3])} may be deleted",
                stacklevel=3,
            )


def _checked(encoder: str, outputs: Mapping[str, Output], clips: ClipBatch) -> dict[str, Output]:
    """Outputs on the CPU, one finite row for each clip."""
    found: dict[str, Output] = {}
    for name, value in outputs.items():
        if len(value) != len(clips):
            raise ValueError(f"expected {len(clips)} rows of {name} from {encoder}, got {len(value)}")
        for row in value.rows if isinstance(value, Ragged) else [value]:
            if row.is_floating_point() and not bool(torch.isfinite(row).all()):
                raise ValueError(f"expected finite {name} from {encoder}; {clips.instructions} gave others")
        moved = Ragged([row.cpu() for row in value.rows], value.axis) if isinstance(value, Ragged) else value.cpu()
        found[name] = moved
    return found


def _together(parts: Sequence[Mapping[str, Output]]) -> dict[str, Output]:
    joined: dict[str, Output] = {}
    for name, first in parts[0].items():
        values = [part[name] for part in parts]
        if isinstance(first, Ragged):
            joined[name] = Ragged(
                [row for value in values if isinstance(value, Ragged) for row in value.rows], first.axis
            )
        else:
            joined[name] = torch.cat([value for value in values if isinstance(value, Tensor)])
    return joined


def _bytes(part: Mapping[str, Output]) -> int:
    rows = [row for value in part.values() for row in (value.rows if isinstance(value, Ragged) else [value])]
    return sum(row.nbytes for row in rows)
