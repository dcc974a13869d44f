"""Feature caches: read as written, never used when stale, refused when damaged; a changed clip alone is new."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from foresight.data import frozen
from foresight.data.batch import ClipBatch
from foresight.data.cache import Output, RowStore, StaleCacheError
from foresight.data.encode import EncodedClips, fill, needed_bytes
from foresight.data.ragged import Ragged
from foresight.errors import UserError
from foresight.reproducibility.fingerprint import weights_fingerprint
from ltx.shapes import VideoShape


class Clips:
    """Clips of one frame, each made from a number."""

    def __init__(self, numbers: Sequence[int] = range(5)) -> None:
        self.numbers = list(numbers)
        self.shape, self.frame_rate = VideoShape(1, 32, 32), 8.0

    def recipe(self) -> dict[str, Any]:
        return {"numbers": self.numbers}

    def row_recipes(self) -> list[Any]:
        return self.numbers

    def prepare(self) -> None:
        pass

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitems__(self, indices: Sequence[int]) -> ClipBatch:
        numbers = [self.numbers[index] for index in indices]
        video = torch.stack([torch.full((3, 1, 2, 2), number / 10) for number in numbers])
        return ClipBatch(video, tuple(f"push {number % 2}" for number in numbers), self.frame_rate, tuple(numbers))


class Linear:
    """An encoder of one matrix, which counts what it is asked for."""

    def __init__(self, weight: float = 1.0, layers: tuple[int, ...] = (1,), name: str = "features") -> None:
        self.network = nn.Linear(12, 2, bias=False)
        nn.init.constant_(self.network.weight, weight)
        self.layers, self.name = layers, name
        self.seen: list[int] = []

    def recipe(self) -> dict[str, Any]:
        return {"weights": weights_fingerprint(self.network), "layers": self.layers}

    def row_bytes(self, shape: VideoShape, frame_rate: float) -> int:
        return 8

    def __call__(self, batch: ClipBatch) -> Mapping[str, Output]:
        self.seen += batch.seeds
        return {self.name: self.network(batch.video.flatten(1))}


class Words:
    """As many states as the clip's number says, and one more."""

    def recipe(self) -> dict[str, Any]:
        return {"kind": "words"}

    def row_bytes(self, shape: VideoShape, frame_rate: float) -> int:
        return 8

    def __call__(self, batch: ClipBatch) -> Mapping[str, Output]:
        return {"words": Ragged([torch.full((2, seed + 1), float(seed)) for seed in batch.seeds], 1)}


def encoded(root: Path, clips: Clips | None = None, encoder: Linear | None = None, shard: int = 2) -> EncodedClips:
    return EncodedClips(
        clips=clips or Clips(), encoders={"linear": encoder or Linear()}, root=str(root), batch=2, shard=shard
    )


def folder(source: EncodedClips) -> Path:
    return next(iter(source.stores.values())).folder


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Rows in any order, across shards, are what the encoder gave, with their instructions."""
    source = encoded(tmp_path)
    source.prepare()
    order = [4, 0, 3, 0]
    batch = source.__getitems__(order)
    with torch.no_grad():
        expected = Linear()(Clips().__getitems__(order))["features"]
    assert isinstance(expected, Tensor)
    torch.testing.assert_close(batch["features"], expected)
    assert batch.instructions == ("push 0", "push 0", "push 1", "push 0")
    assert batch.rows.tolist() == order and batch.frame_rate == 8.0
    assert len(list(folder(source).glob("*.safetensors"))) == 3
    assert source.instructions == ("push 0", "push 1", "push 0", "push 1", "push 0")


def test_rows_of_any_length_are_stored_as_long_as_they_are(tmp_path: Path) -> None:
    """The file holds the real states alone; a batch is filled up to its own longest row, with a mask."""
    source = EncodedClips(clips=Clips(), encoders={"words": Words()}, root=tmp_path, batch=2, shard=9)
    source.prepare()
    batch = source.__getitems__([3, 0, 1])
    assert batch["words"].shape == (3, 2, 4)
    assert batch["words_mask"].sum(dim=1).tolist() == [4, 1, 2]
    assert batch["words"].sum(dim=(1, 2)).tolist() == [24.0, 0.0, 4.0]
    assert source.__getitems__([0])["words"].shape == (1, 2, 1)
    store = source.stores["words"]
    held = store._tensors(store.row(source.keys[0]).shard)
    assert held["words"].shape == (2, 1 + 2 + 3 + 4 + 5)


def test_one_changed_clip_alone_is_encoded_again(tmp_path: Path) -> None:
    """Rows belong to their clips: changed, moved, taken out or shared, none is computed that was before."""
    encoded(tmp_path).prepare()
    for numbers, new in (([0, 1, 7, 3, 4], [7]), ([4, 3, 2, 1, 0], []), ([1, 2], []), ([2, 2, 9, 9], [9])):
        encoder = Linear()
        source = encoded(tmp_path, Clips(numbers), encoder)
        source.prepare()
        assert encoder.seen == new
        assert source.__getitems__(range(len(numbers)))["features"][:, 0].tolist() == pytest.approx(
            [number * 12 / 10 for number in numbers]
        )


def test_sources_share_what_their_encoders_have_computed(tmp_path: Path) -> None:
    """Training and validation are encoded by one network after the other, and a clip of both once."""
    order: list[str] = []

    class Told(Linear):
        def __call__(self, batch: ClipBatch) -> Mapping[str, Output]:
            order.append(self.name)
            return super().__call__(batch)

    def source(numbers: list[int]) -> EncodedClips:
        encoders = {"a": Told(name="one"), "b": Told(layers=(2,), name="two")}
        return EncodedClips(clips=Clips(numbers), encoders=encoders, root=tmp_path, batch=8, shard=8)

    train, validation = source([0, 1]), source([1, 2])
    counted = []
    fill([train, validation], lambda done, total: counted.append((done, total)))
    assert order == ["one", "one", "two", "two"]
    assert validation.encoders["a"].seen == [2]  # type: ignore[attr-defined]
    assert sorted(validation.__getitems__([0]).tensors) == ["one", "two"]
    assert counted[-1][0] <= counted[-1][1]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (Linear(weight=1.0 + 1e-6), "weights"),
        (Linear(layers=(1, 2)), "layers"),
    ],
    ids=["weights", "layers"],
)
def test_a_stale_cache_is_never_used(tmp_path: Path, changed: Linear, named: str) -> None:
    """Other weights or layers have another folder, and reading without encoding names what differs."""
    first = encoded(tmp_path)
    first.prepare()
    second = encoded(tmp_path, encoder=changed)
    assert folder(second) != folder(first)
    with pytest.raises(StaleCacheError, match=rf"found none.*{named}"):
        second.__getitems__([0])


def test_clips_that_were_not_encoded_are_missed(tmp_path: Path) -> None:
    """A clip of other content is not found, whatever stands at its place."""
    encoded(tmp_path).prepare()
    with pytest.raises(StaleCacheError, match="those of other clips"):
        encoded(tmp_path, Clips([8])).__getitems__([0])


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    """A cache moved to the folder of another encoder is found out by its recipe."""
    first, second = encoded(tmp_path), encoded(tmp_path, encoder=Linear(layers=(3,)))
    first.prepare()
    folder(first).rename(tmp_path / RowStore(tmp_path, Linear(layers=(3,)).recipe()).folder.name)
    with pytest.raises(StaleCacheError, match="made from something else: layers"):
        second.prepare()


def test_an_interrupted_cache_is_completed(tmp_path: Path) -> None:
    """A shard without its notes is not read, and only its rows are encoded again, to the same values."""
    source = encoded(tmp_path)
    source.prepare()
    before = source.__getitems__(range(5))["features"].clone()
    lost = source.stores["linear"].row(source.keys[2]).shard.path
    lost.with_suffix(".json").unlink()
    with pytest.raises(StaleCacheError, match="those of other clips"):
        encoded(tmp_path).__getitems__([2])
    encoder = Linear()
    again = encoded(tmp_path, encoder=encoder)
    again.prepare()
    assert encoder.seen == [2, 3]
    assert torch.equal(again.__getitems__(range(5))["features"], before)


def test_a_damaged_shard_is_an_error(tmp_path: Path) -> None:
    """A changed byte is found when the cache is verified, a cut shard when it is opened, a lost one is made again."""
    source = encoded(tmp_path)
    source.prepare()
    shard = source.stores["linear"].row(source.keys[2]).shard.path
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    with pytest.raises(StaleCacheError, match=r"\.safetensors is damaged"):
        encoded(tmp_path).verify()
    with pytest.raises(StaleCacheError, match=r"\.safetensors is damaged"):
        encoded(tmp_path).prepare()
    shard.write_bytes(content[:-1])
    with pytest.raises(StaleCacheError, match="bytes in"):
        encoded(tmp_path).__getitems__([0])
    shard.unlink()
    encoder = Linear()
    encoded(tmp_path, encoder=encoder).prepare()
    assert encoder.seen == [2, 3]


def test_caches_of_an_earlier_format_are_spoken_of(tmp_path: Path) -> None:
    """They are not read, and what is encoded anew is said in one line."""
    (tmp_path / "0123456789abcdef").mkdir()
    (tmp_path / "0123456789abcdef" / "manifest.json").write_text(json.dumps({"format": "foresight-cache-1"}))
    with pytest.warns(UserWarning, match="1 caches of an earlier format.*encoded again.*0123456789abcdef"):
        encoded(tmp_path).prepare()
    (folder(encoded(tmp_path)) / "encoder.json").write_text(json.dumps({"format": "another", "recipe": {}}))
    with pytest.raises(StaleCacheError, match=r"another.*encode again"):
        encoded(tmp_path).prepare()


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_too_little_space_is_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is estimated, what is there is not counted, and no encoder is called in vain."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(100, 61, 39))
    encoder = Linear()
    source = encoded(tmp_path / "cache", encoder=encoder)
    assert needed_bytes(source) == 5 * 8
    with pytest.raises(UserError, match=r"4e-08 GB of free space.*3\.9e-08 GB.*paths\.cache"):
        source.prepare()
    assert encoder.seen == []
    encoded(tmp_path / "cache", Clips([0, 1])).prepare()
    source = encoded(tmp_path / "cache", encoder=encoder)
    source.prepare()
    assert encoder.seen == [2, 3, 4]


def test_a_shard_ends_before_it_fills_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its number of rows, a file is written when so many bytes are waiting."""
    monkeypatch.setattr("foresight.data.encode.SHARD_BYTES", 16)
    source = encoded(tmp_path, shard=100)
    source.prepare()
    assert len(list(folder(source).glob("*.safetensors"))) == 3


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    """Nothing of them is written."""
    source = encoded(tmp_path, encoder=Linear(weight=float("nan")))
    with pytest.raises(ValueError, match="finite features from linear"):
        source.prepare()
    assert not list(tmp_path.glob("*/*.safetensors"))


def test_one_network_is_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking again for the same gives the same; asking for another frees the one before."""
    frozen.release()
    read: list[str] = []
    monkeypatch.setattr("foresight.world.readers.VideoVAE.from_pretrained", _reader(read, "vae"))
    monkeypatch.setattr("foresight.world.readers.TextEncoder.from_pretrained", _reader(read, "text"))
    for place in ("foresight-tiny", "foresight-tiny"):
        frozen.frozen_vae(place)
    frozen.frozen_text_encoder("foresight-tiny")
    assert read == ["vae", "text"] and list(frozen._held) == [("text_encoder", "foresight-tiny")]
    frozen.frozen_vae("foresight-tiny")
    assert read == ["vae", "text", "vae"]
    frozen.release()
    assert not frozen._held


def _reader(read: list[str], name: str) -> Any:
    def from_pretrained(where: str, **settings: Any) -> Any:
        read.append(name)
        model = nn.Linear(1, 1)
        model.model = SimpleNamespace(encoder=SimpleNamespace(block=[]))
        return model

    return from_pretrained


@pytest.mark.parametrize(("batch", "shard", "encoders"), [(0, 1, {"a": None}), (1, 0, {"a": None}), (1, 1, {})])
def test_nothing_at_a_time_and_nothing_to_encode_are_refused(
    tmp_path: Path, batch: int, shard: int, encoders: dict[str, Any]
) -> None:
    """One clip per call, one row per file and one encoder are enough; with none of either nothing could be stored."""
    nothing: Any = None
    EncodedClips(clips=nothing, encoders={"a": nothing}, root=tmp_path, batch=1, shard=1)
    with pytest.raises(ValueError, match=f"got {batch}, {shard}, "):
        EncodedClips(clips=nothing, encoders=encoders, root=tmp_path, batch=batch, shard=shard)
