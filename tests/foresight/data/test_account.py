"""What is said of the videos of a data set, by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from foresight.data.account import counted, cropped, named, resampled


def infos(*values: tuple[int, int] | float | None) -> Any:
    """Files of these sizes (height, width) or rates."""
    found = {}
    for index, value in enumerate(values):
        height, width = value if isinstance(value, tuple) else (64, 64)
        rate = None if isinstance(value, tuple) else value
        found[Path(str(index))] = SimpleNamespace(height=height, width=width, frame_rate=rate)
    return found


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ([(64, 64), (128, 128)], ""),
        ([(64, 64), (64, 128)], "cropped to the middle 64×64: 1 of 2 files lose 50 % of the picture"),
        ([(64, 128), (128, 64)], "cropped to the middle 64×64: all 2 files lose 50 % of the picture"),
        ([(64, 80), (64, 128)], "cropped to the middle 64×64: all 2 files lose 20 to 50 % of the picture"),
        ([(64, 128)], "cropped to the middle 64×64: 1 of 1 file lose 50 % of the picture"),
    ],
)
def test_what_is_cropped(sizes: list[tuple[int, int]], said: str) -> None:
    """The share of the scaled picture that is left out, from the least to the most."""
    assert cropped(infos(*sizes), (64, 64)) == said


def test_width_stands_before_height() -> None:
    """A model of 32 rows and 64 columns takes half of a square."""
    assert cropped(infos((64, 64)), (32, 64)).startswith("cropped to the middle 64×32: 1 of 1 file lose 50 %")


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ([8.0, 8.03, 7.97, None], ""),
        ([8.0, 24.0], "1 of 2 files, from 24"),
        ([24.0, 30.0, 30.0], "all 3 files, from 30, 24"),
        ([8.05], "1 of 1 file, from 8.05"),
        ([24.0, 4.0, 7.95], "all 3 files, from 24, 4, 7.95; 2 of them are slower, so that frames repeat"),
        ([24.0, 25.0, 30.0, 50.0, 60.0], "all 5 files, from 24, 25, 30 and 2 other rates"),
    ],
)
def test_what_is_resampled(rates: list[float | None], said: str) -> None:
    """Rates that are not within half a percent, the most frequent first; the slower ones are counted."""
    start = "resampled to 8 frames a second: " if said else ""
    assert resampled(infos(*rates), 8.0) == start + said


def test_names_and_counts() -> None:
    """Three names, and how many more."""
    assert named([Path("x/a"), Path("b"), Path("c")]) == "a, b, c"
    assert named([Path(name) for name in "abcde"]) == "a, b, c and 2 more"
    assert [counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
