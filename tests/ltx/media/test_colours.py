"""Colours of videos: ranges, matrices, depths, opacity, and what is only said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ltx.media import read_video, to_pixels
from ltx.media.colours import over_background

PATCHES = "color=red:size=32x32:rate=8:duration=0.25[a];color=0x20c0f0:size=32x32:rate=8:duration=0.25[b];" \
    "color=0x808080:size=32x32:rate=8:duration=0.25[c];[a][b][c]hstack=3"  # fmt: skip


def pixels(path: Path) -> np.ndarray:
    return to_pixels(read_video(path).video).numpy()


@pytest.mark.parametrize(
    ("matrix", "spread", "depth"),
    [
        ("bt709", "tv", "yuv420p"),
        ("bt709", "pc", "yuv420p"),
        ("bt709", "tv", "yuv444p"),
        ("bt709", "pc", "yuv420p10le"),
        ("smpte170m", "pc", "yuv444p"),
        ("bt470bg", "tv", "yuv420p"),
        ("fcc", "tv", "yuv420p"),
        ("smpte240m", "tv", "yuv420p10le"),
        ("bt2020", "tv", "yuv420p10le"),
        ("bt2020", "pc", "yuv420p"),
    ],
)
def test_colours_are_those_that_ffmpeg_shows(tmp_path: Path, ffmpeg: Any, matrix: str, spread: str, depth: str) -> None:
    """Every matrix, range and depth that a stream can name."""
    told = "bt2020nc" if matrix == "bt2020" else matrix
    made = f",format=gbrp,scale=out_color_matrix={matrix}:out_range={spread},format={depth}"
    path = tmp_path / "a.mp4"
    ffmpeg.run(
        "-filter_complex", PATCHES + made, "-c:v", "libx264", "-qp", "1", "-colorspace", told, "-color_range", spread,
        str(path),
    )  # fmt: skip
    shown = ffmpeg.shown(path, 96, 32)[0].astype(int)
    ours = pixels(path)[0].astype(int)
    for place in (16, 48, 80):
        assert np.abs(ours[16, place] - shown[16, place]).max() <= 2


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("a.mkv", ("-c:v", "ffv1", "-pix_fmt", "gray16le")),
        ("a.mkv", ("-c:v", "ffv1", "-pix_fmt", "gbrp16le")),
        ("a.mov", ("-c:v", "png", "-pix_fmt", "rgb48be")),
        ("a.mov", ("-c:v", "png", "-pix_fmt", "gray")),
        ("a.mkv", ("-c:v", "ffv1", "-pix_fmt", "yuv444p12le")),
        ("a.nut", ("-c:v", "rawvideo", "-pix_fmt", "gbrpf32le")),
        ("a.avi", ("-c:v", "rawvideo", "-pix_fmt", "bgr24")),
        ("a.avi", ("-c:v", "rawvideo", "-pix_fmt", "bgr0")),
        ("a.avi", ("-c:v", "mjpeg", "-q:v", "1")),
    ],
)
def test_depths_are_scaled_and_not_clipped(tmp_path: Path, ffmpeg: Any, name: str, arguments: tuple[str, ...]) -> None:
    """Grey, 12 and 16 bits, floats, raw and JPEG pictures look as ffmpeg shows them."""
    path = ffmpeg.make(tmp_path / name, *arguments, source="testsrc2=size=96x64:rate=8:duration=0.25")
    assert np.abs(pixels(path).astype(int) - ffmpeg.shown(path, 96, 64).astype(int)).mean() < 2


HALF = "color=red:size=96x64:rate=8:duration=0.5,format=rgba,geq=r='255':g='0':b='0':a='if(lt(X,48),255,0)'"
PALETTE = "split[a][b];[a]palettegen=reserve_transparent=1[p];[b][p]paletteuse"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("a.gif", ("-vf", PALETTE)),
        ("a.apng", ()),
        ("rle.mov", ("-c:v", "qtrle")),
        ("prores.mov", ("-c:v", "prores_ks", "-pix_fmt", "yuva444p10le")),
        ("vp8.webm", ("-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0")),
        ("vp9.webm", ("-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p")),
        ("a.mkv", ("-c:v", "ffv1", "-pix_fmt", "yuva444p")),
    ],
)
def test_what_is_transparent_is_white_in_every_container(
    tmp_path: Path, ffmpeg: Any, name: str, arguments: tuple[str, ...]
) -> None:
    """The colour that hides behind it is not shown."""
    path = ffmpeg.make(tmp_path / name, *arguments, source=HALF)
    found = pixels(path)
    assert np.abs(found[0, 32, 80].astype(int) - 255).max() <= 2
    assert np.abs(found[0, 32, 16].astype(int) - [255, 0, 0]).max() <= 6


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
def test_both_fields_of_an_interlaced_picture_keep_their_rows(tmp_path: Path, ffmpeg: Any, matrix: str) -> None:
    """Combed, but every row as ffmpeg shows it."""
    path = tmp_path / "a.ts"
    fields = f"tinterlace=interleave_top,format=gbrp,scale=out_color_matrix={matrix},format=yuv422p"
    ffmpeg.make(
        path, "-vf", fields, "-r", "25", "-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-q:v", "2",
        "-colorspace", matrix, source="testsrc2=size=96x64:rate=50:duration=0.4",
    )  # fmt: skip
    found = read_video(path)
    assert any("It is interlaced" in remark for remark in found.remarks)
    apart = np.abs(to_pixels(found.video).numpy().astype(int) - ffmpeg.shown(path, 96, 64).astype(int))
    assert apart.mean((0, 2, 3)).max() < 2


def test_opacity_weighs_the_colour() -> None:
    """Half of 200 over white is 227; a fourth byte that is 0 everywhere in raw pictures is no opacity."""
    row = np.array([[[200, 0, 0, 255], [200, 0, 0, 128], [200, 0, 0, 0]]], dtype=np.uint8)
    assert over_background(row).tolist() == [[[200, 0, 0], [227, 127, 127], [255, 255, 255]]]
    assert over_background(row[:, 2:]).tolist() == [[[255, 255, 255]]]
    assert over_background(row[:, 2:], "bgra").tolist() == [[[200, 0, 0]]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "smpte2084"), r"HDR (PQ, BT.2020)"),
        (("-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "arib-std-b67"), "HDR (HLG, BT.2020)"),
        (
            (
                "-color_primaries",
                "smpte432",
            ),
            "those of Display P3",
        ),
        (("-vf", "setfield=tff", "-flags", "+ildct+ilme", "-x264opts", "tff=1"), "It is interlaced"),
        ((), ""),
    ],
)
def test_what_is_not_undone_is_said(tmp_path: Path, ffmpeg: Any, arguments: tuple[str, ...], said: str) -> None:
    """HDR, wide colours and interlacing, in a word each; an ordinary video has none."""
    path = ffmpeg.make(
        tmp_path / "a.mp4", *arguments, "-c:v", "libx264", source="testsrc2=size=96x64:rate=8:duration=1"
    )
    remarks = read_video(path).remarks
    assert (len(remarks) == 1 and said in remarks[0]) if said else not remarks


def test_a_size_that_changes_is_said(tmp_path: Path, ffmpeg: Any) -> None:
    """Later pictures are scaled to the first."""
    for size in ("96x64", "64x48"):
        ffmpeg.make(tmp_path / f"{size}.ts", "-c:v", "libx264", source=f"testsrc2=size={size}:rate=8:duration=1")
    path = tmp_path / "a.ts"
    path.write_bytes((tmp_path / "96x64.ts").read_bytes() + (tmp_path / "64x48.ts").read_bytes())
    found = read_video(path)
    assert found.video.shape[1:] == (16, 64, 96)
    assert any("from 96×64 to 64×48" in remark for remark in found.remarks)
