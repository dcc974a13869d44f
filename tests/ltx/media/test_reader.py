"""Which pictures are taken, and in which size."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ltx.media import MediaError, last_picture, sample_video, to_pixels
from ltx.media.frames import numbered_pictures, pictures
from ltx.media.limits import Limits
from ltx.media.reader import covering, held
from ltx.media.remarks import Remarks


def shown(*spans: tuple[int, int], rounding: Fraction = Fraction(1, 10)) -> Any:
    return iter([SimpleNamespace(start=Fraction(a), end=Fraction(b), rounding=rounding) for a, b in spans])


@pytest.mark.parametrize(
    ("moments", "starts"),
    [
        (["0"], [0]),
        # A tenth before the next is the next; at the end nothing more.
        (["0.89", "0.9"], [0, 1]),
        (["1.89", "1.9", "2"], [1]),
        (["0", "0.5", "0.6", "1.5"], [0, 0, 0, 1]),
        (["2.5"], []),
        ([], []),
    ],
)
def test_the_picture_on_screen_at_each_moment(moments: list[str], starts: list[int]) -> None:
    """From its time, but for what the container rounds, until the next one's; the last as long as it lasts."""
    found = held(shown((0, 1), (1, 2)), iter(map(Fraction, moments)))
    assert [picture.start for picture in found] == starts


@pytest.mark.parametrize(
    "options",
    [
        {"frame_rate": 0},
        {"frame_rate": 1000.1},
        {"frames": 0},
        {"size": (0, 32)},
        {"size": (32, 0)},
        {"start": -0.1},
        {"start": math.inf},
    ],
)
def test_what_cannot_be_sampled_is_refused(options: dict[str, Any], tmp_path: Path) -> None:
    """Before the file is looked at; the ends of each range are taken, and then the file is missed."""
    given = {"frame_rate": 8, "frames": 1, "size": (1, 1), "start": 0.0}
    with pytest.raises(ValueError, match="expected 0 < frame_rate ≤ 1000"):
        sample_video(tmp_path / "none", **{**given, **options})
    with pytest.raises(MediaError, match="got nothing at"):
        sample_video(tmp_path / "none", **{**given, "frame_rate": 1000})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures of 32×48 in shades of red."""
    for number in range(5):
        Image.new("RGB", (48, 32), (50 * number, 0, 0)).save(tmp_path / f"{number}.png")
    return tmp_path


def test_pictures_of_a_folder_have_the_times_of_its_rate(folder: Path) -> None:
    """At 4 a second the third is there from half a second to three quarters, of a second and a quarter in all."""
    files = sorted(folder.iterdir())
    found = list(
        numbered_pictures(files, rate=Fraction(4), count=5, path=folder, limits=Limits(), remarks=Remarks(), first=2)
    )
    assert [(one.start, one.end) for one in found] == [(Fraction(i, 4), Fraction(i + 1, 4)) for i in (2, 3, 4)]
    info = found[0].info
    assert (info.kind, info.height, info.width, info.frames, info.duration) == (
        "folder/png",
        32,
        48,
        5,
        1.25,
    )


@pytest.mark.parametrize(("start", "first"), [("0.5", 2), ("0.74", 2), ("0.75", 3), ("9", 4)])
def test_a_folder_is_entered_at_a_moment(start: str, first: int, folder: Path) -> None:
    """At the picture on screen then, or at the last."""
    found = pictures(folder, folder_rate=Fraction(4), limits=Limits(), remarks=Remarks(), start=Fraction(start))
    assert next(found).start == Fraction(first, 4)


def test_the_last_picture_of_a_folder(folder: Path) -> None:
    """However long it is."""
    assert to_pixels(last_picture(folder, size=(32, 48))[:, None])[0, 5, 5].tolist() == [200, 0, 0]


def test_a_moving_webp_shows_short_pictures_for_a_tenth(tmp_path: Path) -> None:
    """What lasts 10 ms or less is shown as viewers do; from 11 ms on as told."""
    frames = [Image.new("RGB", (32, 32), (level, 0, 0)) for level in (0, 80, 160)]
    path = tmp_path / "a.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=[10, 11, 30], lossless=True)
    found = list(pictures(path, folder_rate=Fraction(1), limits=Limits(), remarks=Remarks()))
    ends = [Fraction(100, 1000), Fraction(111, 1000), Fraction(141, 1000)]
    assert [one.end for one in found] == ends and [one.start for one in found] == [0, *ends[:-1]]


def test_a_picture_is_scaled_to_cover_and_cropped_to_its_middle() -> None:
    """100×200 covers 40×60 as 40×80, of which columns 10 to 69 stay; what that takes is checked before."""
    asked: list[tuple[int, int]] = []

    def convert(height: int, width: int) -> np.ndarray:
        asked.append((height, width))
        return np.broadcast_to(np.arange(width, dtype=np.uint8)[None, :, None], (height, width, 3))

    info = SimpleNamespace(height=100, width=200, path=Path("a.mp4"))
    picture: Any = SimpleNamespace(info=info, pixels=convert)
    found = covering(picture, (40, 60), Limits())
    assert asked == [(40, 80)] and found.shape == (40, 60, 3)
    assert (int(found[0, 0, 0]), int(found[0, -1, 0])) == (10, 69)
    with pytest.raises(MediaError, match="at most 3199 pixels, got 80×40"):
        covering(picture, (40, 60), Limits(pixels=3199))


@pytest.mark.parametrize(("duration", "start"), [(3.5, "2.5"), (0.5, "0"), (0.0, "0")])
def test_the_last_picture_is_looked_for_in_the_last_second(
    duration: float, start: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a video whose length is told; else from the beginning."""
    asked: list[Fraction] = []

    def opened(path: Path, *, start: Fraction, **_: Any) -> Any:
        asked.append(start)
        info = SimpleNamespace(height=32, width=32, path=path)
        shades = (np.full((32, 32, 3), shade, np.uint8) for shade in (0, 255))
        return iter([SimpleNamespace(info=info, pixels=lambda *_, shade=shade: shade) for shade in shades])

    monkeypatch.setattr("ltx.media.reader.probe", lambda *_, **__: SimpleNamespace(duration=duration))
    monkeypatch.setattr("ltx.media.reader.pictures", opened)
    assert last_picture("a.mp4", size=(32, 32)).eq(1).all() and asked == [Fraction(start)]
