"""What is written: times, sizes, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from ltx.media import probe, read_video, write_frames, write_gif, write_lossless, write_mp4


def video(frames: int = 3, height: int = 32, width: int = 48) -> torch.Tensor:
    shades = torch.linspace(-1, 1, frames).view(1, frames, 1, 1)
    return shades.expand(3, frames, height, width)


@pytest.mark.parametrize(("rate", "lengths"), [(30, [30, 40, 30, 30]), (10, [100] * 4), (50, [20] * 4)])
def test_times_of_a_gif_do_not_drift(rate: float, lengths: list[int], tmp_path: Path) -> None:
    """Each picture ends at the multiple of 10 ms nearest to its end."""
    write_gif(tmp_path / "a.gif", video(4), frame_rate=rate)
    with Image.open(tmp_path / "a.gif") as found:
        told = []
        for index in range(4):
            found.seek(index)
            told.append(found.info["duration"])
    assert told == lengths


@pytest.mark.parametrize("rate", [0, -1, 50.1])
def test_a_gif_of_another_rate_is_refused(rate: float, tmp_path: Path) -> None:
    """Viewers show none above 50."""
    with pytest.raises(ValueError, match="expected 0 < frame_rate ≤ 50 for GIF"):
        write_gif(tmp_path / "a.gif", video(), frame_rate=rate)


@pytest.mark.parametrize(("rate", "crf"), [(0, 18), (1000.1, 18), (8, -1), (8, 52)])
def test_other_rates_and_strengths_are_refused(rate: float, crf: int, tmp_path: Path) -> None:
    """Up to 1000 pictures a second, and what H.264 has."""
    with pytest.raises(ValueError, match=r"expected (0 < frame_rate ≤ 1000|a crf of 0)"):
        write_mp4(tmp_path / "a.mp4", video(), frame_rate=rate, crf=crf)
    if crf == 18:
        with pytest.raises(ValueError, match="expected 0 < frame_rate ≤ 1000"):
            write_lossless(tmp_path / "a.mp4", video(), frame_rate=rate)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("rate", "crf"), [(1000, 51), (8, 0)])
def test_the_ends_of_the_ranges_are_written(rate: float, crf: int, tmp_path: Path) -> None:
    """As many pictures as there are."""
    write_mp4(tmp_path / "a.mp4", video(), frame_rate=rate, crf=crf)
    assert read_video(tmp_path / "a.mp4").video.shape == (3, 3, 32, 48)


@pytest.mark.parametrize(("size", "even"), [((33, 47), (34, 48)), ((32, 47), (32, 48)), ((33, 48), (34, 48))])
def test_odd_sizes_are_made_even(size: tuple[int, int], even: tuple[int, int], tmp_path: Path) -> None:
    """By the last row or column once more; without loss they stay odd."""
    write_mp4(tmp_path / "a.mp4", video(3, *size), frame_rate=8)
    assert (probe(tmp_path / "a.mp4").height, probe(tmp_path / "a.mp4").width) == even
    write_lossless(tmp_path / "b.mp4", video(3, *size), frame_rate=8)
    assert (probe(tmp_path / "b.mp4").height, probe(tmp_path / "b.mp4").width) == size


def test_pictures_are_numbered_from_zero(tmp_path: Path) -> None:
    """In a folder that is made."""
    paths = write_frames(tmp_path / "a" / "b", video(2))
    assert [path.name for path in paths] == ["frame_0000.png", "frame_0001.png"]
