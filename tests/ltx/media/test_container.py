"""Which files are taken for videos, and which of their streams."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ltx.media import MediaError, probe, read_video, sample_video, to_pixels

GREEN = ("-f", "lavfi", "-i", "color=lime:size=64x48:rate=8:duration=1")
RED = ("-f", "lavfi", "-i", "color=red:size=96x64:rate=8:duration=1")
SOUND = ("-f", "lavfi", "-i", "sine=duration=1")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("a.y4m", ("-pix_fmt", "yuv420p")),
        ("a.ivf", ("-c:v", "libvpx")),
        ("a.nut", ("-c:v", "ffv1")),
        ("a.mxf", ("-c:v", "mpeg2video", "-r", "25")),
        ("a.h264", ("-c:v", "libx264")),
        ("a.hevc", ("-c:v", "libx265", "-x265-params", "log-level=none")),
        ("a.m2v", ("-c:v", "mpeg2video", "-r", "25", "-f", "mpeg2video")),
        ("a.mts", ("-c:v", "libx264", "-f", "mpegts")),
        ("a.vob", ("-c:v", "mpeg2video", "-r", "25")),
        ("a.flv", ("-c:v", "libx264")),
        ("a.wmv", ("-c:v", "wmv2")),
        ("a.ogv", ("-c:v", "libtheora")),
        ("a.gif", ()),
        ("a.apng", ()),
        ("odd.mov", ("-c:v", "prores_ks", "-vf", "crop=95:63")),
    ],
)
def test_containers_of_research_broadcast_and_phones(
    tmp_path: Path, ffmpeg: Any, name: str, arguments: tuple[str, ...]
) -> None:
    """Every frame, near to what ffmpeg shows, whatever the name says."""
    path = ffmpeg.make(tmp_path / name, *arguments, source="testsrc2=size=96x64:rate=8:duration=1")
    path = path.rename(tmp_path / "renamed.mp4")
    ours = to_pixels(read_video(path).video).numpy().astype(int)
    shown = ffmpeg.shown(path, ours.shape[2], ours.shape[1]).astype(int)
    assert abs(len(ours) - len(shown)) <= 1
    count = min(len(ours), len(shown))
    assert np.abs(ours[:count] - shown[:count]).mean() < 3


def test_a_moving_webp_is_read(tmp_path: Path) -> None:
    """Animated WebP, whose times the file tells."""
    frames = [Image.new("RGB", (32, 32), (level, 0, 0)) for level in (0, 80, 160)]
    frames[0].save(
        tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=[100, 200, 100], lossless=True
    )
    found = read_video(tmp_path / "a.webp")
    assert found.times.tolist() == pytest.approx([0, 0.1, 0.3])
    assert to_pixels(found.video)[:, 5, 5, 0].tolist() == [0, 80, 160]


def test_the_default_stream_is_taken_and_said(tmp_path: Path, ffmpeg: Any) -> None:
    """Of two videos the one marked as default, though smaller; without marks the larger; as ffmpeg chooses."""
    path = tmp_path / "two.mkv"
    for default, size, colour in (("0", (64, 48), 1), ("1", (96, 64), 0), (None, (96, 64), 0)):
        marks = [word for i in (0, 1) for word in (f"-disposition:v:{i}", "default" if str(i) == default else "0")]
        maps = ("-map", "0", "-map", "1", "-c:v", "libx264", "-pix_fmt", "yuv420p")
        ffmpeg.run(*GREEN, *RED, *maps, *marks, "-default_mode", "passthrough", str(path))
        found = read_video(path)
        assert (found.info.width, found.info.height) == size
        pixel = to_pixels(found.video)[0, 20, 20]
        assert int(pixel[colour]) > 200 and int(pixel[1 - colour]) < 60
        assert any("Of its 2 videos" in remark for remark in found.remarks)
        assert len(ffmpeg.shown(path, *size)) == 8


def test_a_chosen_stream_is_taken_everywhere(tmp_path: Path, ffmpeg: Any) -> None:
    """By its number, covers not counted, wherever reading begins; another number names what is there."""
    Image.new("RGB", (640, 480), (0, 0, 255)).save(tmp_path / "cover.png")
    path = tmp_path / "two.mp4"
    ffmpeg.run(
        *("-i", str(tmp_path / "cover.png")), *GREEN, *RED, "-map", "0", "-map", "1", "-map", "2", "-c:v", "libx264",
        *("-pix_fmt", "yuv420p", "-c:v:0", "png", "-disposition:v:0", "attached_pic", str(path)),
    )  # fmt: skip
    sizes: tuple[tuple[int, int], ...] = ((64, 48), (96, 64))
    for number, size in enumerate(sizes):
        found = read_video(path, stream=number)
        assert (found.info.width, found.info.height) == size and not found.remarks
        late = sample_video(path, frame_rate=8, frames=2, size=size[::-1], start=0.5, stream=number)
        assert torch.equal(late.video, found.video[:, 4:6])
        assert probe(path, stream=number).height == size[1]
    for wrong in (2, -1, True, "1"):
        with pytest.raises(MediaError, match=r"0 \(h264 64×48.*\), 1 \(h264 96×64.*\); got"):
            read_video(path, stream=wrong)  # type: ignore[arg-type]
    (tmp_path / "folder").mkdir()
    (tmp_path / "cover.png").rename(tmp_path / "folder" / "0.png")
    assert read_video(tmp_path / "folder", stream=0).video.shape[1] == 1
    with pytest.raises(MediaError, match="it is one, number 0; got 1"):
        read_video(tmp_path / "folder", stream=1)


def test_a_cover_picture_is_no_video(tmp_path: Path, ffmpeg: Any) -> None:
    """A cover beside a video is passed over, larger or not; beside sound alone it is refused."""
    Image.new("RGB", (640, 480), (0, 0, 255)).save(tmp_path / "cover.png")
    cover = ("-i", str(tmp_path / "cover.png"))
    covered, song = tmp_path / "covered.mp4", tmp_path / "song.m4a"
    ffmpeg.run(
        *cover, *RED, *("-map", "0", "-map", "1", "-c:v:0", "copy", "-c:v:1", "libx264"),
        *("-pix_fmt:v:1", "yuv420p", "-disposition:v:0", "attached_pic", str(covered)),
    )  # fmt: skip
    assert probe(covered).width == 96
    ffmpeg.run(*SOUND, *cover, "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v:0", "attached_pic", str(song))
    with pytest.raises(MediaError, match=r"only a cover picture beside its sound in .*song\.m4a"):
        probe(song)


def test_sound_alone_is_refused(tmp_path: Path, ffmpeg: Any) -> None:
    """In a container of videos and in its own."""
    for name in ("a.mp4", "a.mkv", "a.wav", "a.mp3", "a.flac", "a.ogg"):
        ffmpeg.run(*SOUND, str(tmp_path / name))
        with pytest.raises(MediaError, match=r"video stream, got none|sound without pictures"):
            probe(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"#EXTM3U\n#EXT-X-VERSION:3\na.ts\n", "a playlist.*ffmpeg -i"),
        (b"\xef\xbb\xbf#EXTM3U\na.ts\n", "a playlist"),
        (b'<?xml version="1.0"?>\n<MPD xmlns="x">', "a playlist"),
        (b"ffconcat version 1.0\nfile a.mp4\n", "a playlist"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"\n<!DOCTYPE HTML><html>", "a web page"),
        (b"PK\x03\x04" + bytes(40), "an archive"),
        (b"\x1f\x8b" + bytes(40), "an archive"),
        (b"\x89HDF\r\n\x1a\n" + bytes(40), "an HDF5 file"),
        (b"\x93NUMPY" + bytes(40), "a NumPy array"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "a single picture"),
        (b"ID3\x04" + bytes(40), "sound"),
        (b"", "empty"),
    ],
)
def test_what_is_no_video_is_called_by_its_name(tmp_path: Path, content: bytes, said: str) -> None:
    """Neither 'damaged' nor 'convert it', but what it is and what to do."""
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(MediaError, match=said) as error:
        probe(tmp_path / "a.mp4")
    assert "\n" not in str(error.value) and "a.mp4" in str(error.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
def test_a_single_picture_is_no_video(tmp_path: Path, kind: str) -> None:
    """It is called what it is."""
    Image.new("RGB", (32, 32)).save(tmp_path / "a.mp4", format=kind)
    with pytest.raises(MediaError, match="a single picture; name a video, or a folder"):
        probe(tmp_path / "a.mp4")


def test_videos_put_end_to_end_are_mentioned(tmp_path: Path, ffmpeg: Any) -> None:
    """Of two MP4 files in one only the first can be read: that is said."""
    path = ffmpeg.make(tmp_path / "a.mp4", "-c:v", "libx264", source="testsrc2=size=96x64:rate=8:duration=1")
    path.write_bytes(2 * path.read_bytes())
    assert any("several videos put end to end" in remark for remark in read_video(path).remarks)


@pytest.mark.parametrize(("aspect", "width"), [("2", 192), ("1/2", 48), ("40/33", 116)])
def test_pixels_that_are_not_square_are_made_so(tmp_path: Path, ffmpeg: Any, aspect: str, width: int) -> None:
    """By the width, as players do; the height stays."""
    path = ffmpeg.make(tmp_path / "a.mp4", "-c:v", "libx264", "-vf", f"setsar={aspect}")
    assert (probe(path).height, probe(path).width) == (64, width)


def test_a_video_of_one_frame_is_a_video(tmp_path: Path, ffmpeg: Any) -> None:
    """It is read; whether one frame is enough, others decide."""
    path = ffmpeg.make(tmp_path / "a.mp4", "-frames:v", "1", "-c:v", "libx264")
    assert read_video(path).video.shape[1] == 1


def test_a_video_that_begins_after_its_sound_lasts_as_long_as_it_shows(tmp_path: Path, ffmpeg: Any) -> None:
    """A container's length counts from its first stream: what is silent of pictures is not theirs."""
    plain = ffmpeg.make(tmp_path / "a.mp4", "-c:v", "libx264", source="testsrc2=size=96x64:rate=8:duration=2")
    path = tmp_path / "a.mkv"
    ffmpeg.run(*SOUND, "-itsoffset", "1.5", "-i", str(plain), "-map", "0", "-map", "1", "-c:v", "copy", str(path))
    assert probe(path).duration == pytest.approx(2, abs=0.05)
    assert probe(path).frames == pytest.approx(16, abs=1)


def test_the_rate_of_dv_is_that_of_its_pictures(tmp_path: Path, ffmpeg: Any) -> None:
    """Not that of its clock."""
    path = ffmpeg.make(tmp_path / "a.dv", "-target", "pal-dv", source="testsrc2=size=720x576:rate=25:duration=0.4")
    assert probe(path).frame_rate == 25


def test_a_video_that_begins_late_lasts_as_long_as_it_shows(tmp_path: Path, ffmpeg: Any) -> None:
    """Matroska counts its length from zero, wherever its first picture is."""
    path = ffmpeg.make(tmp_path / "a.mp4", "-c:v", "libx264", source="testsrc2=size=96x64:rate=8:duration=2")
    ffmpeg.run("-itsoffset", "3", "-i", str(path), "-c", "copy", str(tmp_path / "late.mkv"))
    assert probe(tmp_path / "late.mkv").duration == pytest.approx(2, abs=0.01)


def test_what_follows_a_whole_file_does_not_cut_it_short(tmp_path: Path, ffmpeg: Any) -> None:
    """Bytes that a download or a camera has put behind the last part are said to be none of the video."""
    path = ffmpeg.make(tmp_path / "a.mp4", "-c:v", "libx264", source="testsrc2=size=96x64:rate=8:duration=1")
    path.write_bytes(path.read_bytes() + b"garbage" * 100)
    found = read_video(path)
    assert found.info.duration == 1 and found.video.shape[1] == 8
    assert [remark for remark in found.remarks if "none of the video" in remark] == list(found.remarks)
