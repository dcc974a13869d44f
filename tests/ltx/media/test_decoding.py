"""Reading near a moment, and recordings that break off."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from ltx.media import Limits, MediaError, read_video, sample_video

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "16", "-qp", "4", "-pix_fmt", "yuv420p")
FRAGMENTS = ("-movflags", "frag_keyframe+empty_moov+default_base_moof")


def greys(video: torch.Tensor) -> list[int]:
    return ((video[1, :, 32, 32] + 1) * 127.5).round().int().tolist()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("a.mp4", X264),
        ("fragments.mp4", (*X264, *FRAGMENTS)),
        ("a.mkv", X264),
        ("a.avi", X264),
        ("a.ts", X264),
        ("a.flv", X264),
        ("a.nut", X264),
        ("a.h264", X264),
        ("a.webm", ("-c:v", "libvpx", "-deadline", "realtime", "-g", "16", "-crf", "4", "-b:v", "4M")),
        ("a.mpg", ("-c:v", "mpeg2video", "-bf", "2", "-g", "16", "-q:v", "2", "-r", "25")),
        ("a.mxf", ("-c:v", "mpeg2video", "-bf", "2", "-g", "16", "-q:v", "2", "-r", "25")),
        ("a.wmv", ("-c:v", "wmv2", "-g", "16", "-q:v", "2")),
        ("a.y4m", ("-pix_fmt", "yuv420p")),
        ("a.ivf", ("-c:v", "libvpx", "-deadline", "realtime", "-g", "16", "-crf", "4", "-b:v", "4M")),
        ("a.gif", ()),
        ("a.apng", ()),
        ("a.ogv", ("-c:v", "libtheora", "-g", "16", "-q:v", "10")),
    ],
)
def test_a_clip_is_the_same_wherever_reading_begins(
    tmp_path: Path, ffmpeg: Any, name: str, arguments: tuple[str, ...]
) -> None:
    """From a start on come the frames that reading the whole file gives, in every container."""
    path = ffmpeg.make(tmp_path / name, *arguments, source=ffmpeg.brightening(104, rate=8, first=16, step=2))
    whole = sample_video(path, frame_rate=8, frames=200, size=(64, 64)).video
    assert whole.shape[1] in (103, 104, 105)
    for start in (16, 31, 75):
        part = sample_video(path, frame_rate=8, frames=8, size=(64, 64), start=start / 8)
        assert greys(part.video) == greys(whole[:, start : start + 8])


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mkv", "a.ts"])
def test_only_what_is_read_counts(tmp_path: Path, ffmpeg: Any, name: str) -> None:
    """A clip late in a long recording costs no more frames than one at its beginning."""
    path = ffmpeg.make(tmp_path / name, *X264, source=ffmpeg.brightening(400, rate=25, step=0))
    for start in (0.0, 15.0):
        found = sample_video(path, frame_rate=8, frames=4, size=(64, 64), start=start, limits=Limits(frames=40))
        assert found.video.shape[1] == 4
    with pytest.raises(MediaError, match="at most 40 frames"):
        read_video(path, limits=Limits(frames=40))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("fragments.mp4", (*X264, *FRAGMENTS)),
        ("index_first.mp4", (*X264, "-movflags", "+faststart")),
        ("a.mkv", X264),
        ("a.avi", X264),
        ("a.ts", X264),
        ("a.webm", ("-c:v", "libvpx", "-deadline", "realtime", "-g", "16", "-b:v", "4M")),
        ("a.flv", X264),
        ("a.y4m", ("-pix_fmt", "yuv420p")),
    ],
)
def test_a_recording_that_broke_off_is_read_as_far_as_it_goes(
    tmp_path: Path, ffmpeg: Any, name: str, arguments: tuple[str, ...]
) -> None:
    """Nearly all that ffmpeg plays of four fifths of a file, each frame as in the whole one, and a word on it."""
    path = ffmpeg.make(tmp_path / name, *arguments, source="testsrc2=size=96x64:rate=8:duration=10")
    whole = read_video(path)
    assert whole.video.shape[1] == 80 and not whole.remarks
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * 0.8)])
    found = read_video(path)
    count = found.video.shape[1]
    assert len(ffmpeg.shown(path, 96, 64)) - 3 <= count < 80
    assert torch.equal(found.video[:, : count - 1], whole.video[:, : count - 1])
    said = any("cut short" in remark for remark in found.remarks)
    # A stream without lengths ends where it ends, unless a packet is torn.
    assert said or name in ("a.ts", "a.flv", "a.y4m")


def test_an_index_that_is_missing_is_refused(tmp_path: Path, ffmpeg: Any) -> None:
    """An MP4 whose index would have come last cannot be played, and it is said why."""
    path = ffmpeg.make(tmp_path / "a.mp4", *X264)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * 0.8)])
    with pytest.raises(MediaError, match=r"a\.mp4.*its index .moov box"):
        read_video(path)


def test_damage_on_the_way_is_refused(tmp_path: Path, ffmpeg: Any) -> None:
    """A hole in the middle is no end: nothing is guessed across it."""
    path = ffmpeg.make(tmp_path / "a.mkv", *X264, source="testsrc2=size=96x64:rate=8:duration=20")
    content = bytearray(path.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 3000] = bytes(3000)
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"damage .* on the way in .*a\.mkv"):
        read_video(path)


def test_a_recording_that_begins_between_key_frames_is_read_from_the_first(tmp_path: Path, ffmpeg: Any) -> None:
    """What cannot be decoded before the first key frame is left out."""
    path = ffmpeg.make(tmp_path / "a.ts", *X264, source=ffmpeg.brightening(48))
    content = path.read_bytes()
    cut = len(content) // 4 // 188 * 188
    path.write_bytes(content[cut:])
    footage = read_video(path)
    found = greys(footage.video)
    assert any("beginning is not whole" in remark for remark in footage.remarks)
    assert not sample_video(path, frame_rate=8, frames=4, size=(64, 64), start=0).remarks[1:]
    assert 16 <= len(found) <= 40
    steps = {b - a for a, b in pairwise(found)}
    assert steps <= {3, 4, 5}


@pytest.mark.parametrize("name", ["a.mkv", "a.webm"])
def test_a_live_recording_is_read_as_far_as_it_goes(tmp_path: Path, ffmpeg: Any, name: str) -> None:
    """What was never closed tells no length: whole, a word that it may have an end; cut in a block, that it is cut."""
    codec = X264 if name == "a.mkv" else ("-c:v", "libvpx", "-deadline", "realtime", "-g", "16", "-b:v", "1M")
    path = ffmpeg.make(tmp_path / name, *codec, "-live", "1", source="testsrc2=size=96x64:rate=8:duration=6")
    whole = read_video(path)
    assert whole.video.shape[1] == 48
    assert [remark for remark in whole.remarks if "never closed" in remark] == list(whole.remarks)
    content = path.read_bytes()
    for share in (0.5, 0.8):
        path.write_bytes(content[: int(len(content) * share)])
        found = read_video(path)
        count = found.video.shape[1]
        assert 8 < count < 48
        assert torch.equal(found.video[:, : count - 1], whole.video[:, : count - 1])
        assert [remark for remark in found.remarks if "cut short" in remark] == list(found.remarks)


def test_a_crashed_recorder_leaves_zeros_behind(tmp_path: Path, ffmpeg: Any) -> None:
    """Space that was reserved and never written is no picture: the recording ends before it, with a word."""
    path = ffmpeg.make(tmp_path / "a.mkv", *X264, "-live", "1", source="testsrc2=size=96x64:rate=8:duration=6")
    path.write_bytes(path.read_bytes() + bytes(5000))
    found = read_video(path)
    assert found.video.shape[1] == 48 and any("cut short" in remark for remark in found.remarks)


def test_missing_packets_never_change_pictures_without_a_word(tmp_path: Path, ffmpeg: Any) -> None:
    """A hole in a transport stream is refused, or what is before it is read with a word: no picture is made up."""
    source = "testsrc2=size=96x64:rate=8:duration=6"
    path = ffmpeg.make(tmp_path / "a.ts", *X264[:4], "-g", "8", "-pix_fmt", "yuv420p", source=source)
    whole, content = read_video(path).video, path.read_bytes()
    silent = 0
    for first, count in ((60, 40), (75, 40), (100, 3), (151, 1), (200, 30), (250, 8)):
        path.write_bytes(content[: first * 188] + content[(first + count) * 188 :])
        try:
            found = read_video(path)
        except MediaError as error:
            assert "damage" in str(error)
            continue
        silent += not found.remarks
        for index in range(found.video.shape[1]):
            picture = found.video[:, index : index + 1]
            assert any(torch.equal(picture, whole[:, other : other + 1]) for other in range(48)), (first, index)
    assert silent == 0
