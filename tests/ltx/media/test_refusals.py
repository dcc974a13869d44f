"""What cannot be converted, written or played is refused in words, and what is only said is said."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from ltx.media import (
    MediaError,
    colours,
    decoding,
    read_video,
    sample_video,
    to_float,
    to_pixels,
    write_gif,
    write_lossless,
    write_mp4,
)
from ltx.media.degrade import degrade
from ltx.media.limits import Limits
from ltx.media.pixels import centre_crop
from ltx.media.remarks import Remarks
from ltx.media.still import load_still

GREY = torch.zeros(3, 2, 16, 16)


@pytest.mark.parametrize("rate", [0.0, -8.0, 1000.5, float("nan")])
def test_rates_that_no_video_has_are_not_written(rate: float, tmp_path: Path) -> None:
    """Neither is there a file afterwards; a GIF is shown at most 50 times a second."""
    writers: list[Callable[..., None]] = [write_mp4, write_lossless, write_gif]
    for write in writers:
        with pytest.raises(ValueError, match="frame_rate"):
            write(tmp_path / "a", GREY, frame_rate=rate)
    with pytest.raises(ValueError, match="frame_rate ≤ 50 for GIF, got 60; write MP4 instead"):
        write_gif(tmp_path / "a", GREY, frame_rate=60)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("crf", [-1, 52])
def test_a_quality_that_h264_does_not_have_is_refused(crf: int, tmp_path: Path) -> None:
    """Constant rate factors go from 0 to 51, for what is written and for frames made to look like video."""
    with pytest.raises(ValueError, match=rf"crf.*got {crf}"):
        write_mp4(tmp_path / "a.mp4", GREY, frame_rate=8, crf=crf)
    with pytest.raises(ValueError, match=rf"crf.*got {crf}"):
        degrade(GREY, crf)


def test_what_is_no_picture_is_not_converted() -> None:
    """Other shapes, NaN, frames of a single pixel, and a cut larger than the frame."""
    for shape in ((1, 2, 8, 8), (3, 8, 8), (3, 0, 8, 8)):
        with pytest.raises(ValueError, match=r"shape \(3, frames, height, width\)"):
            to_pixels(torch.zeros(shape))
    with pytest.raises(ValueError, match="finite pixel values"):
        to_pixels(GREY.clone().index_fill_(1, torch.tensor(1), torch.nan))
    with pytest.raises(ValueError, match=r"at least 2×2 pixels, got \(1, 1\)"):
        degrade(torch.zeros(3, 1, 1, 1))
    for height, width in ((17, 16), (16, 17)):
        with pytest.raises(ValueError, match=rf"at least {height}×{width} to crop from, got \(16, 16\)"):
            centre_crop(GREY, height, width)


def test_what_is_no_file_to_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe, which could keep it waiting for ever, and a file that may not be read."""
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(MediaError, match=r"expected a regular file, got .*pipe\.mp4"):
        read_video(tmp_path / "pipe.mp4")
    write_lossless(tmp_path / "a.mp4", GREY, frame_rate=8)

    def forbidden(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    told = r"readable file, got Permission denied for .*a\.{}; check its permissions"
    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(MediaError, match=told.format("mp4")):
        read_video(tmp_path / "a.mp4")
    monkeypatch.setattr(Image, "open", forbidden)
    with pytest.raises(MediaError, match=told.format("png")):
        load_still(tmp_path / "a.png", Limits(), Remarks())


def test_a_file_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    """As one on a network that is down: after the time that reading may take."""
    write_lossless(tmp_path / "a.mp4", GREY, frame_rate=8)
    with pytest.raises(MediaError, match=r"a\.mp4 to open within 1e-09 s, got no answer"):
        read_video(tmp_path / "a.mp4", limits=Limits(seconds=1e-9))


def test_pictures_that_are_nothing_but_damage_are_no_video(tmp_path: Path) -> None:
    """An index that is whole says nothing of the pictures."""
    path = tmp_path / "a.mp4"
    noise = torch.randint(0, 256, (4, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    write_mp4(path, to_float(noise), frame_rate=8, crf=0)
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + 4
    content[start:] = bytes(len(content) - start)
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"expected frames that decode, got none .*a\.mp4; copy it again"):
        read_video(path)


def test_an_index_that_leads_nowhere_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If nothing is shown wherever the index leads, not even at the beginning, the file has to be written anew."""

    first = iter([decoding.decoded])

    def once(*given: Any, **how: Any) -> Iterator[Any]:
        yield from next(first, lambda *_, **__: ())(*given, **how)

    path = tmp_path / "a.mp4"
    write_lossless(path, torch.zeros(3, 24, 16, 16), frame_rate=8)
    monkeypatch.setattr(decoding, "decoded", once)
    with pytest.raises(MediaError, match=r"a\.mp4 to show a picture at 2 s, got none by its index; write it anew"):
        sample_video(path, frame_rate=8, frames=2, size=(16, 16), start=2)


def test_more_than_a_flat_picture_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """360° and stereoscopic recordings are taken as they lie in the file."""
    write_lossless(tmp_path / "a.mp4", GREY, frame_rate=8)
    assert not read_video(tmp_path / "a.mp4").remarks
    monkeypatch.setattr(colours, "side_data", lambda frame: {"SPHERICAL": b"", "STEREO3D": b""})
    sphere, both = read_video(tmp_path / "a.mp4").remarks
    assert "360° video" in sphere and "stereoscopic" in both


def test_the_colours_of_a_phones_picture_are_said(tmp_path: Path) -> None:
    """A profile of Display P3 is not undone."""
    remarks = Remarks()
    for name, profile in (("plain", None), ("wide", b"\0" * 200 + b"Display P3")):
        Image.new("RGB", (16, 16)).save(tmp_path / f"{name}.png", icc_profile=profile)
        load_still(tmp_path / f"{name}.png", Limits(), remarks)
        assert ["Display P3" in one for one in remarks] == ([True] if profile else [])
