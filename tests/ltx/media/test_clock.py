"""When pictures are on screen, by containers' clocks of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ltx.media import probe, read_video, sample_video

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "4", "-pix_fmt", "yuv420p")


def greys(video: torch.Tensor) -> list[int]:
    return ((video[1, :, 32, 32] + 1) * 127.5).round().int().tolist()


@pytest.mark.parametrize("codec", [(*X264, "-bf", "3"), ("-c:v", "mpeg4", "-bf", "2", "-q:v", "2")])
def test_avi_has_no_times_of_showing(tmp_path: Path, ffmpeg: Any, codec: tuple[str, ...]) -> None:
    """Frames that refer to later ones are shown evenly, none twice and none left out, as ffmpeg does."""
    path = ffmpeg.make(tmp_path / "a.avi", *codec, source=ffmpeg.brightening(30, step=7))
    found = sample_video(path, frame_rate=8, frames=40, size=(64, 64))
    assert greys(found.video) == ffmpeg.shown(path, 64, 64)[:, 32, 32, 1].tolist()


@pytest.mark.parametrize("offsets", [("0", "0"), ("0", "1000"), ("1000", "0")])
@pytest.mark.parametrize("ending", ["ts", "mpg"])
def test_a_clock_that_starts_anew_goes_on(tmp_path: Path, ffmpeg: Any, ending: str, offsets: tuple[str, str]) -> None:
    """Two recordings put end to end give every frame of both, with a word on it."""
    codec = ("-c:v", "mpeg2video", "-r", "25", "-q:v", "2") if ending == "mpg" else (*X264, "-bf", "2")
    rate = 25 if ending == "mpg" else 8
    parts = []
    for first, offset in zip((16, 120), offsets, strict=True):
        parts.append(tmp_path / f"{first}.{ending}")
        source = ffmpeg.brightening(2 * rate, rate=rate, first=first, step=2)
        ffmpeg.make(parts[-1], *codec, "-output_ts_offset", offset, source=source)
    alone = [greys(read_video(part).video) for part in parts]
    joined = tmp_path / f"joined.{ending}"
    joined.write_bytes(parts[0].read_bytes() + parts[1].read_bytes())
    found = sample_video(joined, frame_rate=rate, frames=200, size=(64, 64))
    assert abs(found.video.shape[1] - 4 * rate) <= 2
    assert set(alone[0]) | set(alone[1]) <= set(greys(found.video))
    assert any("starts anew" in remark for remark in found.remarks)
    assert probe(joined).duration == 0
    late = sample_video(joined, frame_rate=rate, frames=8, size=(64, 64), start=3.0)
    assert greys(late.video) == greys(found.video)[3 * rate : 3 * rate + 8]


def test_a_counter_that_overflows_goes_on(tmp_path: Path, ffmpeg: Any) -> None:
    """Transport streams count 33 bits of 1/90000 s: a recording across the turn is read like any other."""
    turn = f"{2**33 / 90000 - 3:.3f}"
    path = ffmpeg.make(tmp_path / "a.ts", *X264, "-output_ts_offset", turn, source=ffmpeg.brightening(40))
    plain = ffmpeg.make(tmp_path / "b.ts", *X264, source=ffmpeg.brightening(40))
    found = sample_video(path, frame_rate=8, frames=60, size=(64, 64))
    assert found.video.equal(sample_video(plain, frame_rate=8, frames=60, size=(64, 64)).video)
    late = sample_video(path, frame_rate=8, frames=4, size=(64, 64), start=4.0)
    assert late.video.equal(found.video[:, 32:36])


def test_every_frame_is_the_one_on_screen_at_its_moment(tmp_path: Path, ffmpeg: Any) -> None:
    """Irregular times are heard, pauses included: as ffmpeg's fps filter shows them."""
    source = ffmpeg.brightening(90, rate=30, step=2) + ",select='not(eq(mod(n,7),3))*lt(mod(n,40),25)'"
    path = ffmpeg.make(tmp_path / "a.mp4", "-fps_mode", "vfr", *X264, source=source)
    found = sample_video(path, frame_rate=8, frames=40, size=(64, 64))
    shown = ffmpeg.shown(path, 64, 64, after=("-vf", "fps=240"))[::30, 32, 32, 1]
    assert greys(found.video) == shown.tolist()


@pytest.mark.parametrize("ending", ["mkv", "mp4", "ts"])
def test_an_uneven_rate_is_no_clock_that_starts_anew(tmp_path: Path, ffmpeg: Any, ending: str) -> None:
    """Bursts of 25 frames a second between pauses of seconds keep their times."""
    source = ffmpeg.brightening(200, rate=25, step=1) + ",select='lt(mod(n,100),8)'"
    path = ffmpeg.make(tmp_path / f"a.{ending}", "-fps_mode", "vfr", *X264, source=source)
    found = read_video(path)
    wanted = [n / 25 for n in range(200) if n % 100 < 8]
    assert found.times.tolist() == pytest.approx(wanted, abs=0.002) and not found.remarks


def test_a_raw_stream_is_read_at_the_rate_it_tells(tmp_path: Path, ffmpeg: Any) -> None:
    """H.264 without a container: 8 frames a second, as its parameters say, and a word that it has no clock."""
    path = ffmpeg.make(tmp_path / "a.h264", *X264, source=ffmpeg.brightening(24))
    found = sample_video(path, frame_rate=8, frames=40, size=(64, 64))
    assert found.video.shape[1] == 24 and found.source_frames == 24
    assert any("no clock: 8 frames a second" in remark for remark in found.remarks)
