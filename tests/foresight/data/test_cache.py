"""Feature caches: read as written, never used when stale, refused when damaged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from foresight.data.batch import ClipBatch
from foresight.data.cache import FeatureCache, StaleCacheError
from foresight.data.encode import EncodedClips
from foresight.data.fingerprint import weights_fingerprint


class Clips:
    """Five clips of one frame, made from a seed."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def recipe(self) -> dict[str, Any]:
        return {"seed": self.seed}

    def prepare(self) -> None:
        pass

    def __len__(self) -> int:
        return 5

    def __getitems__(self, indices: Sequence[int]) -> ClipBatch:
        video = torch.stack([torch.full((3, 1, 2, 2), (self.seed + index) / 10) for index in indices])
        return ClipBatch(video, tuple(f"push {index % 2}" for index in indices), 8.0, tuple(indices))


class Linear:
    """An encoder of one matrix."""

    def __init__(self, weight: float = 1.0, layers: tuple[int, ...] = (1,)) -> None:
        self.network = nn.Linear(12, 2, bias=False)
        nn.init.constant_(self.network.weight, weight)
        self.layers = layers

    def recipe(self) -> dict[str, Any]:
        return {"weights": weights_fingerprint(self.network), "layers": self.layers}

    def __call__(self, batch: ClipBatch) -> dict[str, Tensor]:
        return {"features": self.network(batch.video.flatten(1))}


def encoded(root: Path, clips: Clips | None = None, encoder: Linear | None = None) -> EncodedClips:
    return EncodedClips(
        clips=clips or Clips(), encoders={"linear": encoder or Linear()}, root=str(root), batch=2, shard=2
    )


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Rows in any order, across shards, are what the encoder gave, with their instructions."""
    source = encoded(tmp_path)
    source.prepare()
    order = [4, 0, 3, 0]
    batch = source.__getitems__(order)
    with torch.no_grad():
        expected = Linear()(Clips().__getitems__(order))["features"]
    torch.testing.assert_close(batch["features"], expected)
    assert batch.instructions == ("push 0", "push 0", "push 1", "push 0")
    assert batch.rows.tolist() == order and batch.frame_rate == 8.0


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"encoder": Linear(weight=1.0 + 1e-6)}, "encoders.linear.weights"),
        ({"encoder": Linear(layers=(1, 2))}, "encoders.linear.layers"),
        ({"clips": Clips(seed=1)}, "clips.seed"),
    ],
    ids=["weights", "layers", "data"],
)
def test_a_stale_cache_is_never_used(tmp_path: Path, changed: dict[str, Any], named: str) -> None:
    """Other weights, layers or data have another key, and reading without encoding names what differs."""
    first = encoded(tmp_path)
    first.prepare()
    second = encoded(tmp_path, **changed)
    assert second.folder != first.folder
    with pytest.raises(StaleCacheError, match=named):
        second.__getitems__([0])


def test_a_manifest_of_something_else_is_refused(tmp_path: Path) -> None:
    """A cache moved to the folder of another recipe is found out by its manifest."""
    first, second = encoded(tmp_path), encoded(tmp_path, clips=Clips(seed=1))
    first.prepare()
    first.folder.rename(second.folder)
    with pytest.raises(StaleCacheError, match=r"made from something else: clips\.seed"):
        second.prepare()


def test_an_interrupted_cache_is_completed(tmp_path: Path) -> None:
    """Without a manifest a cache is not read, and encoding again makes the same rows."""
    source = encoded(tmp_path)
    source.prepare()
    before = source.__getitems__(range(5))["features"].clone()
    (source.folder / "manifest.json").unlink()
    (source.folder / "00001.safetensors").unlink()
    again = encoded(tmp_path)
    with pytest.raises(StaleCacheError, match="found none"):
        again.__getitems__([0])
    again.prepare()
    assert torch.equal(again.__getitems__(range(5))["features"], before)


def test_a_damaged_shard_is_an_error(tmp_path: Path) -> None:
    """A changed byte is found when the cache is verified, a missing or cut shard when it is opened."""
    source = encoded(tmp_path)
    source.prepare()
    shard = source.folder / "00001.safetensors"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    with pytest.raises(StaleCacheError, match=r"00001\.safetensors is damaged"):
        FeatureCache(tmp_path, source.recipe()).verify()
    with pytest.raises(StaleCacheError, match=r"00001\.safetensors is damaged"):
        encoded(tmp_path).prepare()
    shard.write_bytes(content[:-1])
    with pytest.raises(StaleCacheError, match="bytes in"):
        encoded(tmp_path).__getitems__([0])
