"""What is said of colours and streams, and what headers tell, without a file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from ltx.media import MediaError
from ltx.media.colours import mention_colours
from ltx.media.container import header, pixel_aspect
from ltx.media.folder import numbered
from ltx.media.limits import Limits, decoding
from ltx.media.orientation import orientation
from ltx.media.remarks import Remarks
from ltx.media.still import load_still, resizer
from ltx.media.streams import check_choice, chosen_stream

FILE = Path("a.mp4")


class Side(bytes):
    """Side data of FFmpeg."""

    type: Any

    @classmethod
    def of(cls, name: str, content: bytes = b"") -> Side:
        """Of a kind."""
        made = cls(content)
        made.type = SimpleNamespace(name=name)
        return made


def said(primaries: int = 1, transfer: int = 1, *, interlaced: bool = False, sides: tuple[str, ...] = ()) -> list[str]:
    """The first words of what is said."""
    remarks = Remarks()
    frame: Any = SimpleNamespace(
        color_primaries=primaries,
        color_trc=transfer,
        interlaced_frame=interlaced,
        side_data=[Side.of(name) for name in sides],
    )
    mention_colours(frame, remarks)
    return [" ".join(sentence.split()[:6]) for sentence in remarks]


def test_what_is_not_undone_is_said_of_each_kind() -> None:
    """HDR with and without wide colours, wide colours alone, fields, spheres, two views; nothing of an ordinary one."""
    assert said() == []
    assert said(transfer=16) == ["Its colours are HDR (PQ) and"]
    assert said(9, 18) == ["Its colours are HDR (HLG, BT.2020)"]
    assert said(11) == ["Its colours are those of DCI-P3"]
    assert said(interlaced=True) == ["It is interlaced: both fields of"]
    assert said(sides=("SPHERICAL",)) == ["It is a 360° video: the"]
    assert said(sides=("STEREO3D",)) == ["It is stereoscopic: both views are"]


ONE = 1 << 16


def turned(a: int, b: int, c: int, d: int) -> tuple[bool, bool, bool]:
    matrix = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], dtype=np.int32).tobytes()
    found = orientation(SimpleNamespace(side_data=[Side.of("DISPLAYMATRIX", matrix)], rotation=45))  # type: ignore[arg-type]
    return found.transposed, found.left_right, found.upside_down


def test_display_matrices_by_hand() -> None:
    """(x, y) is shown at (ax + cy, bx + dy): a mirror is a −1, a quarter has its ones beside the diagonal."""
    assert turned(ONE, 0, 0, ONE) == (False, False, False) and turned(0, 0, 0, 0) == (False, False, False)
    assert turned(-ONE, 0, 0, ONE) == (False, True, False)
    assert turned(ONE, 0, 0, -ONE) == (False, False, True)
    assert turned(0, ONE, -ONE, 0) == (True, True, False)
    assert turned(0, -ONE, ONE, 0) == (True, False, True)
    # Within one degree it is none; beyond it another angle; a line is no picture.
    assert turned(ONE, ONE // 100, -ONE // 100, ONE) == (False, False, False)
    for matrix in ((ONE, ONE // 20, 0, ONE), (ONE, 0, ONE // 20, ONE), (ONE, 0, 0, 0), (0, 0, 0, ONE)):
        with pytest.raises(MediaError, match="turned by quarters, got 45°"):
            turned(*matrix)
    for matrix in ((0, ONE, 0, 0), (0, 0, ONE, 0), (ONE // 20, ONE, ONE, 0), (0, ONE, ONE, ONE // 20)):
        with pytest.raises(MediaError, match="turned by quarters"):
            turned(*matrix)


def told(name: str = "mov", missing: str = "", container: Any = None, **stream: Any) -> tuple[str, float, int, float]:
    """Kind, rate, frames and duration of a header."""
    given = {"duration": None, "time_base": Fraction(1, 10), "start_time": None, "frames": 0}
    found = SimpleNamespace(
        codec_context=SimpleNamespace(name="h264"), average_rate=Fraction(8), guessed_rate=None, **{**given, **stream}
    )
    inside = SimpleNamespace(
        format=SimpleNamespace(name=name), **{"duration": None, "start_time": None, **(container or {})}
    )
    return header(SimpleNamespace(container=inside, stream=found, missing=missing))  # type: ignore[arg-type]


def test_durations_are_the_streams_or_what_is_left_of_the_containers() -> None:
    """Counted in its ticks, else in microseconds from where the pictures begin; frames are counted or computed."""
    assert told(duration=25) == ("mov/h264", 8.0, 20, 2.5)
    assert told(duration=25, frames=19)[2:] == (19, 2.5)
    second = av.time_base
    assert told(container={"duration": 3 * second})[2:] == (24, 3.0)
    late = {"duration": 3 * second, "start_time": second // 2}
    assert told(container=late, start_time=15)[3] == 2.0
    assert told(container=late)[3] == 3.0
    assert told(container={"duration": second}, start_time=20)[3] == 0.0
    assert told()[2:] == (0, 0.0)


@pytest.mark.parametrize(("name", "missing"), [("mov", "9 bytes"), ("mpegts", ""), ("h264", "")])
def test_headers_that_cannot_be_believed_tell_no_length(name: str, missing: str) -> None:
    """Of files that were cut, of clocks that restart, and of raw streams."""
    assert told(name, missing, duration=25) == (f"{name}/h264", 8.0, 0, 0.0)


@pytest.mark.parametrize(("aspect", "fits"), [(8, True), (1 / 8, True), (8.1, False), (0.12, False), (None, True)])
def test_pixels_are_not_too_thin(aspect: float | None, fits: bool) -> None:
    """Eight times at most, either way; not told, they are square."""
    stream: Any = SimpleNamespace(sample_aspect_ratio=aspect)
    if fits:
        assert pixel_aspect(FILE, stream) == (aspect or 1)
    else:
        with pytest.raises(MediaError, match=r"at most 8 times as wide .*got"):
            pixel_aspect(FILE, stream)


def video(width: int, height: int, *, default: bool = False, cover: bool = False, title: str | None = None) -> Any:
    marks = av.stream.Disposition(0)
    marks |= av.stream.Disposition.default if default else 0
    marks |= av.stream.Disposition.attached_pic if cover else 0
    context = SimpleNamespace(width=width, height=height, name="h264")
    return SimpleNamespace(disposition=marks, codec_context=context, metadata={"title": title} if title else {})


def chosen(*streams: Any, sound: bool = False, **options: Any) -> tuple[Any, list[str]]:
    remarks = Remarks()
    container: Any = SimpleNamespace(streams=SimpleNamespace(video=list(streams), audio=["a"] if sound else []))
    return chosen_stream(FILE, container, remarks, **options), list(remarks)


def test_streams_are_described_and_chosen() -> None:
    """The one marked as default, else the largest by its pixels; with a word where there are several."""
    wide, tall, marked = video(9, 10), video(2, 40, title="b"), video(1, 1, default=True)
    assert chosen(wide) == (wide, [])
    assert chosen(wide, tall) == (
        wide,
        ["Of its 2 videos number 0 is taken; stream= chooses of 0 (h264 9×10), 1 (h264 2×40 b)."],
    )
    assert chosen(wide, marked)[0] is marked and "1 (h264 1×1, marked as default)" in chosen(wide, marked)[1][0]
    assert chosen(video(99, 99, cover=True), wide) == (wide, [])
    assert "1 (h264)" in chosen(wide, video(0, 0))[1][0]
    assert chosen(wide, tall, choice=1) == (tall, [])


@pytest.mark.parametrize(
    ("streams", "sound", "told"),
    [
        ((), False, "got none in"),
        ((), True, "got none beside its sound in"),
        ((video(9, 9, cover=True),), False, "got none, only a cover picture in"),
    ],
)
def test_what_is_there_instead_of_a_video(streams: tuple[Any, ...], sound: bool, told: str) -> None:
    """Sound, a cover, nothing."""
    with pytest.raises(MediaError, match=told):
        chosen(*streams, sound=sound)


@pytest.mark.parametrize("choice", [2, -1, True, False, "0", 0.0])
def test_numbers_of_streams(choice: Any) -> None:
    """From 0 to one below their number."""
    with pytest.raises(MediaError, match="expected stream= default or the number of a video"):
        check_choice(choice, 2, FILE, "two")
    for right in (0, 1, "default"):
        check_choice(right, 2, FILE, "two")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "series"),
    [
        (["a1.png", "a2.png", "b.png", "c.png"], False),
        (["a1.png", "a2.png", "b.png", "c.png", "d.png"], True),
    ],
)
def test_half_of_one_kind_is_a_series_with_something_else(names: list[str], series: bool, tmp_path: Path) -> None:
    """Refused from half of the names on; below, they are just names."""
    for name in names:
        (tmp_path / name).touch()
    remarks = Remarks()
    if series:
        numbered(tmp_path, remarks)
        assert any("no numbered series" in one for one in remarks)
    else:
        with pytest.raises(MediaError, match=r"names of 3 kinds .*2 like a1\.png, 1 like b\.png"):
            numbered(tmp_path, remarks)


@pytest.mark.parametrize(("last", "gap"), [(7, None), (8, "1 missing, the first after 4.png"), (9, "1 missing")])
def test_half_a_step_more_is_no_gap(last: int, gap: str | None, tmp_path: Path) -> None:
    """Of 0, 2, 4 the usual step is 2: three is a rounding, four is a gap."""
    for number in (0, 2, 4, last):
        (tmp_path / f"{number}.png").touch()
    remarks = Remarks()
    numbered(tmp_path, remarks)
    assert len(list(remarks)) == (gap is not None) and all(gap in one for one in remarks if gap)


def test_a_folder_called_like_a_picture_is_none(tmp_path: Path) -> None:
    """Nor is a hidden file; what is there is counted."""
    (tmp_path / "1.png").mkdir()
    (tmp_path / ".2.png").touch()
    (tmp_path / "3").touch()
    with pytest.raises(MediaError, match="got 1 folders, 1 without ending in"):
        numbered(tmp_path, Remarks())


@pytest.mark.parametrize(("values", "fits"), [((0.0, 1.0), True), ((-0.1, 0.5), False), ((0.5, 1.1), False)])
def test_floats_end_at_zero_and_one(values: tuple[float, float], fits: bool, tmp_path: Path) -> None:
    """Either end by itself; 0.5 is 128, to the nearest."""
    pixels = np.full((8, 8), 0.5, np.float32)
    pixels[0, :2] = values
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    if fits:
        assert np.asarray(load_still(tmp_path / "a.tif", Limits(), Remarks()))[0, :3, 0].tolist() == [0, 255, 128]
    else:
        with pytest.raises(MediaError, match=r"floats in \[0, 1\]"):
            load_still(tmp_path / "a.tif", Limits(), Remarks())


def test_colours_of_a_profile_are_said(tmp_path: Path) -> None:
    """Of Display P3; of another profile nothing is."""
    image = Image.new("RGB", (8, 8))
    for profile, count in ((b"x" * 100 + b"P3", 1), (b"x" * 700 + b"P3", 0), (b"sRGB", 0)):
        image.save(tmp_path / "a.png", icc_profile=profile)
        remarks = Remarks()
        load_still(tmp_path / "a.png", Limits(), remarks)
        assert len(list(remarks)) == count


def test_a_picture_of_the_size_is_not_resized() -> None:
    """Height and width are each looked at."""
    image = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(4, 16))
    assert np.array_equal(resizer(image)(4, 16), np.asarray(image))
    assert resizer(image)(16, 4).shape == (16, 4)


def test_what_decoders_raise_is_one_error() -> None:
    """Of a picture or of a video, with the reason in one line, cut at 200; what is clear already stays."""
    for picture, kind, usual in ((True, "picture", "PNG"), (False, "video", "MP4")):
        with pytest.raises(MediaError) as error, decoding(FILE, picture=picture):
            raise KeyError("a\n" + "b" * 300)
        message = str(error.value)
        assert f"expected a {kind} that decodes, got KeyError" in message and usual in message and "\n" not in message
        assert "b" * 197 not in message or "b" * 201 not in message
    with pytest.raises(MediaError, match=r"^clear$"), decoding(FILE):
        raise MediaError("clear")
