"""Filling a feature cache: run frozen encoders over a source once, shard by shard."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import save_file
from torch import Tensor

from foresight.data.batch import CachedBatch, ClipBatch
from foresight.data.cache import FORMAT, FeatureCache, file_digest, folder_of, read_manifest, readable_shard, row_shapes
from foresight.data.fingerprint import fingerprint
from foresight.data.source import ClipSource
from foresight.leftovers import sweep
from ltx.files import replacing, write_text

Progress = Callable[[int, int], None]


class Encoder(Protocol):
    """A frozen network whose outputs are cached."""

    def recipe(self) -> dict[str, Any]:
        """Everything the outputs depend on beside the clips: weights, configuration, preprocessing, precision."""
        ...

    def __call__(self, batch: ClipBatch) -> Mapping[str, Tensor]:
        """Named outputs, one row per clip, of the same shape for every clip."""
        ...


class EncodedClips:
    """The cached outputs of encoders over a source of clips; a source of training data itself.

    Args:
        clips: what to encode.
        encoders: by name; their outputs are joined and must have different names.
        root: folder of caches.
        batch: clips per call of the encoders.
        shard: rows per file.
    """

    def __init__(
        self, *, clips: ClipSource, encoders: Mapping[str, Encoder], root: str | Path, batch: int, shard: int
    ) -> None:
        if batch < 1 or shard < 1 or not encoders:
            raise ValueError(f"expected batch, shard ≥ 1 and an encoder; got {batch}, {shard}, {sorted(encoders)}")
        self._clips, self._encoders = clips, dict(encoders)
        self._root, self._batch, self._shard = Path(root), batch, shard
        self._recipe: dict[str, Any] | None = None
        self._cache: FeatureCache | None = None

    def recipe(self) -> dict[str, Any]:
        """Recipes of the clips and of every encoder."""
        if self._recipe is None:
            encoders = {name: encoder.recipe() for name, encoder in sorted(self._encoders.items())}
            # A round trip through JSON, so that it compares equal to what a manifest holds.
            self._recipe = json.loads(json.dumps({"clips": self._clips.recipe(), "encoders": encoders}))
        return self._recipe

    @property
    def folder(self) -> Path:
        """Where the cache lies."""
        return folder_of(self._root, self.recipe())

    def prepare(self) -> None:
        """Encode what is missing, silently."""
        self.encode(_silent)

    def encode(self, progress: Progress) -> FeatureCache:
        """Encode what is missing and return the verified cache.

        Args:
            progress: called with (rows done, rows in all).

        Raises:
            StaleCacheError: if the folder of this recipe holds something else.
            ValueError: if an encoder returns rows of another number or a value that is not finite.
        """
        self._clips.prepare()
        if read_manifest(self.folder) is None:
            self._fill(progress)
        cache = FeatureCache(self._root, self.recipe())
        cache.verify()
        return cache

    def __len__(self) -> int:
        return len(self._clips)

    def __getitems__(self, indices: Sequence[int]) -> CachedBatch:
        """The given rows of the cache.

        Raises:
            StaleCacheError: if the cache has not been made.
        """
        if self._cache is None:
            self._cache = FeatureCache(self._root, self.recipe())
        return self._cache.batch(indices)

    def __getstate__(self) -> dict[str, Any]:
        # Data workers read; they need the recipe, not the networks.
        self.recipe()
        return {**self.__dict__, "_encoders": {}}

    def _fill(self, progress: Progress) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        sweep(self.folder)
        shards = []
        for number, first in enumerate(range(0, len(self), self._shard)):
            rows = range(first, min(first + self._shard, len(self)))
            shards.append(self._write_shard(number, rows, progress))
        self._write_manifest(shards)

    def _write_shard(self, number: int, rows: range, progress: Progress) -> dict[str, Any]:
        path = self.folder / f"{number:05d}.safetensors"
        notes = path.with_suffix(".json")
        if not (notes.is_file() and path.is_file() and readable_shard(path, len(rows))):
            tensors, texts, frame_rate = self._encode_rows(rows, progress)
            with replacing(path) as partial:
                save_file(tensors, partial)
            about = {"instructions": texts, "frame_rate": frame_rate, "sha256": file_digest(path)}
            write_text(notes, json.dumps(about))
        progress(rows.stop, len(self))
        return {"file": path.name, "bytes": path.stat().st_size, **json.loads(notes.read_text())}

    @torch.no_grad()
    def _encode_rows(self, rows: range, progress: Progress) -> tuple[dict[str, Tensor], list[str], float]:
        parts: list[dict[str, Tensor]] = []
        texts: list[str] = []
        frame_rate = 0.0
        for first in range(rows.start, rows.stop, self._batch):
            clips = self._clips.__getitems__(range(first, min(first + self._batch, rows.stop)))
            parts.append(self._encode_batch(clips))
            texts += clips.instructions
            frame_rate = clips.frame_rate
            progress(first, len(self))
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}, texts, frame_rate

    def _encode_batch(self, clips: ClipBatch) -> dict[str, Tensor]:
        outputs: dict[str, Tensor] = {}
        for encoder_name, encoder in self._encoders.items():
            for name, value in encoder(clips).items():
                if name in outputs:
                    raise ValueError(f"expected different names from each encoder, {name!r} appears twice")
                if len(value) != len(clips):
                    raise ValueError(f"expected {len(clips)} rows of {name} from {encoder_name}, got {len(value)}")
                if value.is_floating_point() and not bool(torch.isfinite(value).all()):
                    raise ValueError(f"expected finite {name} from {encoder_name}; clips {clips.seeds} gave others")
                outputs[name] = value.cpu().contiguous()
        return outputs

    def _write_manifest(self, shards: list[dict[str, Any]]) -> None:
        texts = [text for shard in shards for text in shard["instructions"]]
        unique = {text: index for index, text in enumerate(dict.fromkeys(texts))}
        manifest = {
            "format": FORMAT,
            "key": fingerprint(self.recipe()),
            "recipe": self.recipe(),
            "rows": len(self),
            "rows_per_shard": self._shard,
            "frame_rate": shards[0]["frame_rate"],
            "tensors": row_shapes(self.folder / shards[0]["file"]),
            "instructions": list(unique),
            "instruction_of_row": [unique[text] for text in texts],
            "shards": [{key: shard[key] for key in ("file", "bytes", "sha256")} for shard in shards],
        }
        write_text(self.folder / "manifest.json", json.dumps(manifest))


def _silent(done: int, total: int) -> None:
    """No progress display."""
