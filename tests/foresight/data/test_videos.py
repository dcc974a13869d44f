"""A folder of videos as training data: what is read, what the key depends on, and what is refused before encoding."""

import json
from pathlib import Path

import av
import pytest
import torch
from av.video.stream import VideoStream

from foresight.data.encode import EncodedClips
from foresight.data.table import listed
from foresight.data.videos import VideoClips
from foresight.errors import UserError
from ltx.media import write_lossless

FRAMES, RATE, SIZE = 9, 4.0, (32, 64)


def grey(seconds: float) -> float:
    """Of the test video at a moment, in [−1, 1]: a level per frame of 8 a second."""
    return float(round(seconds * 8) * 10 / 127.5 - 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two videos of 25 frames at 8 per second that get brighter, and a table of three clips."""
    levels = torch.arange(25).mul(10).clamp(max=255).to(torch.float32) / 127.5 - 1
    video = levels[None, :, None, None].expand(3, -1, 64, 64)
    write_lossless(tmp_path / "one.mp4", video, frame_rate=8.0)
    write_lossless(tmp_path / "two.mp4", video.flip(1), frame_rate=8.0)
    rows = [
        {"file_name": "one.mp4", "instruction": "brighten"},
        {"file_name": "one.mp4", "instruction": "brighten", "start": 0.5},
        {"file_name": "two.mp4", "instruction": "darken", "start": 0},
    ]
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


def clips(folder: Path) -> VideoClips:
    return VideoClips(folder=str(folder), frames=FRAMES, frame_rate=RATE, size=SIZE)


def test_frames_are_those_on_screen_at_their_moments(folder: Path) -> None:
    """Every second frame of the file, from where the row says; cropped to the size."""
    source = clips(folder)
    source.prepare()
    batch = source.__getitems__([1, 2])
    assert batch.video.shape == (2, 3, FRAMES, *SIZE) and batch.frame_rate == RATE
    assert batch.instructions == ("brighten", "darken")
    expected = torch.tensor([grey(0.5 + frame / RATE) for frame in range(FRAMES)])
    torch.testing.assert_close(batch.video[0].mean(dim=(0, 2, 3)), expected, atol=0.02, rtol=0)
    torch.testing.assert_close(batch.video[1].mean(dim=(0, 2, 3))[0], torch.tensor(grey(3.0)), atol=0.02, rtol=0)


def test_a_csv_table_says_the_same(folder: Path) -> None:
    """Either table, the same clips, the same key."""
    before = clips(folder).recipe()
    (folder / "metadata.jsonl").unlink()
    (folder / "metadata.csv").write_text(
        "file_name,instruction,start\none.mp4,brighten,\none.mp4,brighten,0.5\ntwo.mp4,darken,0\n"
    )
    assert clips(folder).recipe() == before


def test_the_key_depends_on_content_words_and_moments(folder: Path) -> None:
    """A file under another name is the same clip; other pictures, words, starts, rates are not."""
    before = clips(folder).recipe()
    table = folder / "metadata.jsonl"
    words = table.read_text()
    (folder / "one.mp4").rename(folder / "uno.mp4")
    table.write_text(words.replace("one.mp4", "uno.mp4"))
    assert clips(folder).recipe() == before
    for old, new in (("darken", "dim"), ('"start": 0.5', '"start": 0.25'), ("two.mp4", "uno.mp4")):
        table.write_text(words.replace("one.mp4", "uno.mp4").replace(old, new))
        assert clips(folder).recipe() != before
    table.write_text(words.replace("one.mp4", "uno.mp4"))
    assert VideoClips(folder=str(folder), frames=FRAMES, frame_rate=8.0, size=SIZE).recipe() != before


def test_a_chosen_stream_is_read_and_belongs_to_the_key(tmp_path: Path) -> None:
    """Of a file of two videos the one that the folder or the row names; what is computed of one is not the other's."""
    with av.open(str(tmp_path / "two.mkv"), "w") as container:
        streams = [container.add_stream("ffv1", rate=8) for _ in range(2)]
        for stream in streams:
            assert isinstance(stream, VideoStream)
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for index, stream in enumerate(streams):
            assert isinstance(stream, VideoStream)
            level = torch.full((64, 64, 3), 60 + 100 * index, dtype=torch.uint8).numpy()
            for _ in range(25):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(level, format="rgb24")))
            container.mux(stream.encode())
    (tmp_path / "metadata.csv").write_text("file_name,instruction,stream\ntwo.mkv,,\ntwo.mkv,,0\n")
    given = {"folder": str(tmp_path), "frames": FRAMES, "frame_rate": RATE, "size": SIZE}
    source = VideoClips(**given, stream=1)  # type: ignore[arg-type]
    levels = [float((video.mean() + 1) * 127.5) for video in source.__getitems__([0, 1]).video]
    assert levels == pytest.approx([160, 60], abs=3)
    first = VideoClips(**given, stream=0).recipe()  # type: ignore[arg-type]
    assert first != source.recipe() and first["videos"][0] == first["videos"][1]
    with pytest.raises(UserError, match=r"0 \(ffv1 64×64.*\), 1 \(ffv1 64×64.*\); got 2"):
        VideoClips(**given, stream=2).prepare()  # type: ignore[arg-type]


def test_bad_files_are_found_before_anything_is_encoded(folder: Path) -> None:
    """Missing, not a video, too short: all are named at once, and no encoder is called."""
    with (folder / "metadata.jsonl").open("a") as table:
        for name, start in (("missing.mp4", 0), ("text.mp4", 0), ("one.mp4", 2.5)):
            table.write("\n" + json.dumps({"file_name": name, "instruction": "x", "start": start}))
    (folder / "text.mp4").write_text("not a video")

    class Uncalled:
        def recipe(self):
            return {}

        def row_bytes(self, shape, frame_rate):
            return 1

        def __call__(self, batch):
            raise AssertionError

    encoded = EncodedClips(
        clips=clips(folder), encoders={"none": Uncalled()}, root=str(folder / "cache"), batch=2, shard=2
    )
    with pytest.raises(
        UserError, match=r"(?s)6 readable clips.*3 that are not.*missing\.mp4.*text\.mp4.*ends at.* clips\.skip=\["
    ):
        encoded.prepare()


def test_one_changed_row_of_a_table_encodes_one_clip(folder: Path) -> None:
    """Other words in a row, a row in front, another file name: only what is new is encoded, and rows stay in order."""
    seen: list[str] = []

    class Counts:
        def recipe(self):
            return {}

        def row_bytes(self, shape, frame_rate):
            return 1

        def __call__(self, batch):
            seen.extend(batch.instructions)
            return {"mean": batch.video.mean(dim=(1, 2, 3, 4))[:, None]}

    def source() -> EncodedClips:
        return EncodedClips(clips=clips(folder), encoders={"one": Counts()}, root=folder / "cache", batch=2, shard=2)

    source().prepare()
    assert len(seen) == 3
    before = source().__getitems__([0, 1, 2])["mean"]
    table = folder / "metadata.jsonl"
    table.write_text(table.read_text().replace("darken", "dim"))
    seen.clear()
    source().prepare()
    assert seen == ["dim"]
    table.write_text(
        json.dumps({"file_name": "one.mp4", "instruction": "first", "start": 0.25}) + "\n" + table.read_text()
    )
    seen.clear()
    source().prepare()
    assert seen == ["first"]
    assert torch.equal(source().__getitems__([1, 2, 3])["mean"], before)
    assert source().instructions[1:] == ("brighten", "brighten", "dim")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (None, "one table"),
        ("", "at least one row"),
        ('{"file_name": "a.mp4"', "as a table in"),
        ('{"file_name": "a.mp4"}', "row 1"),
        ('{"file_name": "a.mp4", "instruction": "x", "start": -1}', "row 1"),
        ('{"file_name": "a.mp4", "instruction": "x", "start": "soon"}', "row 1"),
        ("3", "row 1"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path: Path, table: str | None, said: str) -> None:
    """One line that names the place."""
    if table is not None:
        (tmp_path / "metadata.jsonl").write_text(table)
    with pytest.raises(UserError, match=said):
        listed(tmp_path)


@pytest.mark.parametrize(("skip", "kept"), [(["short"], 5), (["short", "damaged", "missing"], 3)])
def test_what_cannot_be_used_is_left_out_if_that_is_allowed(folder: Path, skip: list[str], kept: int) -> None:
    """Rows are named and left out, no instruction slides to another clip, and the key is that of the others alone."""
    before = clips(folder).recipe()
    whole = clips(folder).__getitems__([0, 1, 2])
    lines = (folder / "metadata.jsonl").read_text().splitlines()
    bad = [("one.mp4", 2.5), ("one.mp4", 50.0), ("text.mp4", 0), ("missing.mp4", 0)]
    (folder / "text.mp4").write_text("not a video")
    for place, (name, start) in enumerate(bad):
        lines.insert(2 * place, json.dumps({"file_name": name, "instruction": "wrong", "start": start}))
    (folder / "metadata.jsonl").write_text("\n".join(lines))
    found = VideoClips(folder=str(folder), frames=FRAMES, frame_rate=RATE, size=SIZE, skip=skip)
    with pytest.warns(UserWarning, match=rf"{7 - kept} of 7 clips are left out: .*row 1 \(line 1\)"):
        assert len(found) == kept
    if kept > 3:
        with pytest.raises(UserError, match=r"2 that are not.*text\.mp4.*missing\.mp4"):
            found.prepare()
    else:
        found.prepare()
        assert found.recipe() == before
        batch = found.__getitems__([0, 1, 2])
        assert batch.instructions == whole.instructions and torch.equal(batch.video, whole.video)


def test_leaving_out_everything_and_unknown_words_are_refused(folder: Path) -> None:
    """An empty collection is none."""
    (folder / "metadata.jsonl").write_text(json.dumps({"file_name": "one.mp4", "instruction": "x", "start": 9}))
    with pytest.raises(UserError, match=r"1 that cannot.*start earlier"):
        VideoClips(folder=str(folder), frames=FRAMES, frame_rate=RATE, size=SIZE, skip=["short"]).prepare()
    with pytest.raises(ValueError, match="short, damaged, missing; got"):
        VideoClips(folder=str(folder), frames=FRAMES, frame_rate=RATE, size=SIZE, skip=["all"])


def test_where_the_header_does_not_say_the_length_the_video_is_read(folder: Path) -> None:
    """A transport stream that is too short is found before anything is encoded, like any other."""
    with av.open(str(folder / "one.ts"), "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=8, options={"preset": "ultrafast"})
        assert isinstance(stream, VideoStream)
        stream.width = stream.height = 64
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode())
    (folder / "metadata.jsonl").write_text(json.dumps({"file_name": "one.ts", "instruction": "x"}))
    with pytest.raises(UserError, match=r"row 1 .*one\.ts"):
        clips(folder).prepare()
