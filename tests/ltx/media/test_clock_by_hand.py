"""Clocks of containers, packet by packet and frame by frame."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from ltx.media.clock import Clock, continuous, rate_of
from ltx.media.remarks import Remarks

TENTH = Fraction(1, 10)


def container(name: str) -> Any:
    return SimpleNamespace(format=SimpleNamespace(name=name))


def stream(tick: Fraction | None = TENTH, average: Any = None, guessed: Any = None) -> Any:
    return SimpleNamespace(time_base=tick, average_rate=average, guessed_rate=guessed)


def packet(dts: int | None, pts: int | None = None, *, duration: int = 0, size: int = 1) -> Any:
    return SimpleNamespace(dts=dts, pts=dts if pts is None else pts, duration=duration, size=size)


def times(packets: list[Any], name: str = "mpegts", *, live: bool = False) -> tuple[list[Any], list[Any], bool]:
    """Times of decoding and showing that come out, at 5 frames a second and 10 ticks, and whether a word is said."""
    remarks = Remarks()
    found = [*continuous(packets, container(name), stream(average=Fraction(5)), remarks, live=live)]
    return [one.dts for one in found], [one.pts for one in found], bool(list(remarks))


def test_a_clock_that_falls_goes_on_where_the_next_picture_was_due() -> None:
    """Two ticks after the last, as usual at this rate; or as long as the last packet says that it lasts."""
    for duration, due in ((0, 6), (3, 7)):
        given = [packet(0), packet(2), packet(4, duration=duration), packet(0, 1), packet(2, 3)]
        assert times(given) == ([0, 2, 4, due, due + 2], [0, 2, 4, due + 1, due + 3], True)


@pytest.mark.parametrize(("second", "moved"), [(3, False), (2, True), (104, False), (105, True)])
def test_a_clock_may_be_a_little_off(second: int, moved: bool) -> None:
    """A tenth of a second back and ten ahead are taken as they are; one tick more is another clock."""
    assert times([packet(4), packet(second)]) == ([4, 6 if moved else second], [4, 6 if moved else second], moved)


def test_only_some_clocks_restart_ahead() -> None:
    """In other containers, and of what arrives as it is recorded, a jump ahead is time that has passed."""
    assert times([packet(4), packet(205)], "matroska") == ([4, 205], [4, 205], False)
    assert times([packet(4), packet(205)], live=True) == ([4, 205], [4, 205], False)


@pytest.mark.parametrize(("pts", "kept"), [(105, 105), (106, None), (-95, -95), (-96, None)])
def test_a_time_of_showing_on_another_clock_is_none(pts: int, kept: int | None) -> None:
    """More than ten seconds before or after the time of decoding."""
    assert times([packet(5, pts)])[1] == [kept]
    assert times([packet(5, pts)], "matroska")[1] == [pts]


def test_packets_without_times_or_content() -> None:
    """What has no time of decoding passes; what repeats the frame before is left out."""
    assert times([packet(0), packet(None), packet(1, size=0), packet(2)])[0] == [0, None, 2]


@pytest.mark.parametrize(
    ("name", "average", "guessed", "rate"),
    [
        ("mov", 30, 25, 30),
        ("mov", None, 25, 25),
        ("mov,mp4", None, None, 0),
        ("h264", 30, 25, 25),
        ("h264", 30, None, 30),
        ("h264", None, None, 0),
        ("dv", 30, 25, 25),
    ],
)
def test_the_rate_a_file_tells(name: str, average: int | None, guessed: int | None, rate: int) -> None:
    """The mean, else what FFmpeg guesses; the other way round without a container, and in DV."""
    assert rate_of(container(name), stream(average=average, guessed=guessed)) == rate


def frame(pts: int | None, duration: int = 0, dts: int | None = None) -> Any:
    return SimpleNamespace(pts=pts, dts=dts, duration=duration)


@pytest.mark.parametrize(
    ("tick", "rounding"),
    [
        (Fraction(1, 10), Fraction(1, 200)),
        (Fraction(1, 100), Fraction(1, 200)),
        (Fraction(1, 300), Fraction(1, 600)),
        (Fraction(1, 90_000), Fraction(1, 2000)),
        (None, Fraction(1, 2000)),
    ],
)
def test_times_are_rounded_by_half_a_tick(tick: Fraction | None, rounding: Fraction) -> None:
    """Between half a millisecond and five; without a clock it ticks in milliseconds."""
    assert Clock(container("mov"), stream(tick)).rounding == rounding


@pytest.mark.parametrize(("rate", "usual"), [(Fraction(5), Fraction(1, 5)), (None, Fraction(1, 25))])
def test_frames_begin_at_zero_and_never_go_back(rate: Fraction | None, usual: Fraction) -> None:
    """As long as they say, else as usual at the rate, else a twenty-fifth; without a time after the one before."""
    clock = Clock(container("mov"), stream(average=rate))
    assert clock.times(frame(500, 3)) == (0, Fraction(3, 10))
    assert clock.times(frame(None)) == (Fraction(3, 10), Fraction(3, 10) + usual)
    assert clock.times(frame(510)) == (1, 1 + usual)
    assert clock.times(frame(505)) == (1, 1 + usual)
    clock.sought()
    assert clock.times(frame(505, 1)) == (Fraction(1, 2), Fraction(6, 10))


def test_avi_is_shown_by_its_times_of_decoding() -> None:
    """It holds no others."""
    assert Clock(container("avi"), stream()).moment(frame(7, dts=0)) == 0
    clock = Clock(container("mov"), stream())
    assert (
        clock.moment(frame(None, dts=5)) is None
        and clock.moment(frame(7)) == 0
        and clock.moment(frame(9)) == Fraction(1, 5)
    )


def test_moments_on_the_clock_of_the_container() -> None:
    """Counted from the first frame's stamp, or from 0 where none has been seen."""
    clock = Clock(container("mov"), stream(Fraction(1, 100)))
    assert clock.stamp(Fraction(2)) == 200
    clock.moment(frame(500))
    assert clock.stamp(Fraction(2)) == 700
