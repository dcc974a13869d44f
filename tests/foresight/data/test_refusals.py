"""Sources of clips refuse what would give other data than was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from foresight.data.batch import ClipBatch
from foresight.data.cache import RECIPE, StaleCacheError, read_recipe
from foresight.data.captions import captioned
from foresight.data.encode import EncodedClips
from foresight.data.mixed import MixedBatches, MixedClips
from foresight.data.physics import PhysicsClips
from foresight.data.precomputed import PrecomputedClips
from foresight.data.referenced import ReferencedClips
from foresight.data.stream import StreamBatches
from foresight.data.table import listed
from foresight.data.videos import VideoClips
from foresight.errors import UserError
from foresight.physics import PhysicsConfig
from ltx.media import write_lossless
from ltx.shapes import LatentShape, VideoShape


class Clips:
    """Three clips of one frame."""

    shape, frame_rate = VideoShape(1, 32, 32), 8.0

    def recipe(self) -> dict[str, Any]:
        return {}

    def row_recipes(self) -> list[Any]:
        return [0, 1, 2]

    def prepare(self) -> None:
        pass

    def __len__(self) -> int:
        return 3

    def __getitems__(self, indices: Sequence[int]) -> ClipBatch:
        count = len(indices)
        return ClipBatch(torch.zeros(count, 3, 1, 2, 2), ("",) * count, 8.0, tuple(indices))


class Gives:
    """An encoder with this output."""

    def __init__(self, rows: int = 3, value: float = 0.0) -> None:
        self.output = torch.full((rows, 2), value)

    def recipe(self) -> dict[str, Any]:
        return {"output": repr(self.output)}

    def row_bytes(self, shape: VideoShape, frame_rate: float) -> int:
        return 8

    def __call__(self, batch: ClipBatch) -> Mapping[str, Tensor]:
        return {"states": self.output}


def encoded(root: Path, *, batch: int = 3, shard: int = 3, **encoders: Gives) -> EncodedClips:
    return EncodedClips(clips=Clips(), encoders=encoders, root=root, batch=batch, shard=shard)


@pytest.mark.parametrize(
    ("encoders", "message"),
    [
        ({"one": Gives(rows=2)}, "expected 3 rows of states from one, got 2"),
        ({"one": Gives(value=float("nan"))}, r"finite states from one; .* gave others"),
    ],
)
def test_what_encoders_must_not_give_is_not_cached(encoders: dict[str, Gives], message: str, tmp_path: Path) -> None:
    """Fewer rows than clips, and NaN."""
    with pytest.raises(ValueError, match=message):
        encoded(tmp_path, **encoders).prepare()
    assert not list(tmp_path.rglob("*.safetensors"))


def test_two_encoders_of_one_name_are_refused(tmp_path: Path) -> None:
    """Which of the two would be read is not left to chance."""
    both = encoded(tmp_path, one=Gives(), two=Gives(value=1.0))
    both.prepare()
    with pytest.raises(ValueError, match="different names from each encoder, two gives 'states' again"):
        both.__getitems__([0])


def test_caches_without_size_or_encoder_are_refused(tmp_path: Path) -> None:
    """Nothing would be written, or for ever."""
    for changes in ({"batch": 0, "one": Gives()}, {"shard": 0, "one": Gives()}, {}):
        with pytest.raises(ValueError, match="batch, shard ≥ 1 and an encoder"):
            encoded(tmp_path, **changes)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "the recipe of a cache"), ('{"format": 0, "recipe": {}}', "got 0; delete")]
)
def test_recipes_of_no_cache_are_refused(text: str, message: str, tmp_path: Path) -> None:
    """A damaged one, and one of another format, with the folder to delete."""
    assert read_recipe(tmp_path) is None
    (tmp_path / RECIPE).write_text(text)
    with pytest.raises(StaleCacheError, match=f"{message}.*{tmp_path.name}"):
        read_recipe(tmp_path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StreamBatches(size=0, batch=1, seed=0, start=0, rank=0, world=1), "size, batch ≥ 1"),
        (lambda: StreamBatches(size=4, batch=0, seed=0, start=0, rank=0, world=1), "size, batch ≥ 1"),
        (lambda: StreamBatches(size=4, batch=1, seed=0, start=-1, rank=0, world=1), "start ≥ 0"),
        (lambda: StreamBatches(size=4, batch=1, seed=0, start=0, rank=2, world=2), "rank < world"),
        (lambda: PhysicsClips(config=PhysicsConfig(), split="tset", first=0, count=1), "a split out of .*'tset'"),
        (lambda: PhysicsClips(config=PhysicsConfig(), split="test", first=0, count=0), "count=0"),
        (lambda: PhysicsClips(config=PhysicsConfig(), split="test", first=-1, count=1), "first=-1"),
        (lambda: PhysicsClips(config=PhysicsConfig(), split="test", first=10**7, count=1), "inside the 10000000 seeds"),
        (lambda: PrecomputedClips(folder=".", held_out=0, validation=False), "at least one clip to be held out"),
        (lambda: MixedClips(parts={}), "at least one source"),
    ],
)
def test_ranges_that_hold_nothing_are_refused(make: Callable[[], object], message: str) -> None:
    """No example, another process than there are, an unknown split, seeds of another split, and no validation."""
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("changes", [{"image_share": 1.5}, {"image_share": -0.1}, {"start": -1}, {"rank": 1}])
def test_shares_and_ranks_out_of_range_are_refused(changes: dict[str, Any]) -> None:
    """A share is in [0, 1], and a rank one of the processes."""
    given = {"image_share": 0.5, "seed": 0, "start": 0, "rank": 0, "world": 1, "tokens_per_batch": 8}
    with pytest.raises(ValueError, match="image_share in"):
        MixedBatches(shapes=[LatentShape(1, 1, 1)], **{**given, **changes})


def test_an_index_beyond_all_sources_is_refused(tmp_path: Path) -> None:
    """It is none of the last source."""
    source = encoded(tmp_path, one=Gives())
    source.prepare()
    with pytest.raises(IndexError, match="below 3"):
        MixedClips(parts={"a": source}).__getitems__([3])


def test_references_and_clips_are_as_many(tmp_path: Path) -> None:
    """Else a clip would be shown another one's reference."""
    one, two = encoded(tmp_path, one=Gives()), encoded(tmp_path, one=Gives())
    two.__class__ = type("Fewer", (EncodedClips,), {"__len__": lambda self: 2})
    with pytest.raises(UserError, match=r"a reference video for each of 3 clips\W+got 2"):
        ReferencedClips(clips=one, references=two).prepare()


def test_files_that_are_no_text_and_no_dictionary_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caption in another encoding, a table that may not be read, and latents that are a plain tensor."""
    (tmp_path / "a.mp4").touch()
    (tmp_path / "a.txt").write_bytes("drück".encode("latin-1"))
    with pytest.raises(UserError, match=r"UTF-8 text in .*a\.txt"):
        captioned(tmp_path)
    for kind in ("latents", "conditions"):
        for name in ("a", "b"):
            (tmp_path / kind).mkdir(exist_ok=True)
            torch.save(torch.zeros(1), tmp_path / kind / f"{name}.pt")
    with pytest.raises(UserError, match=r"a dictionary in .*\.pt"):
        PrecomputedClips(folder=tmp_path, held_out=1, validation=False).__getitems__([0])
    (tmp_path / "metadata.csv").write_text("file_name,instruction\na.mp4,push\n")

    def forbidden(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    with pytest.raises(UserError, match=r"a readable table at .*metadata\.csv.*Permission denied"):
        listed(tmp_path)


def test_what_is_to_be_known_of_videos_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of them it is seen in first."""
    for name in ("a", "b"):
        write_lossless(tmp_path / f"{name}.mp4", torch.zeros(3, 9, 32, 32), frame_rate=8)
    rows = [{"file_name": f"{name}.mp4", "instruction": "push"} for name in ("a", "b")]
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr("ltx.media.colours.side_data", lambda frame: {"SPHERICAL": b""})
    clips = VideoClips(folder=tmp_path, frame_rate=8, frames=1, size=(32, 32))
    with pytest.warns(UserWarning, match="360° video.*this is said once") as said:
        clips.__getitems__([0, 1])
    assert len([one for one in said if "360°" in str(one.message)]) == 1
