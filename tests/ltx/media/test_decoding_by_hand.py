"""Damage, packet by packet, and where reading begins."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest

from ltx.media.decoding import TAIL, _ahead, _sought, decoded
from ltx.media.limits import MediaError
from ltx.media.remarks import Remarks

GOOD, BAD, TORN, EMPTY, NOT_YET, HALF = "good", "bad", "torn", "empty", "not yet", "half"


class Decoder:
    """Gives a frame for a good packet, none for one that waits for a key frame, and fails at bad ones."""

    flushed = 0

    def decode(self, packet: Any) -> list[Any]:
        """The frame of a packet, by its number."""
        if packet.kind == BAD:
            raise av.error.InvalidDataError(1, "no such\nblock")
        if packet.kind in (EMPTY, NOT_YET):
            return []
        return [SimpleNamespace(number=packet.number, pts=None, is_corrupt=packet.kind == HALF)]

    def flush_buffers(self) -> None:
        """Counted."""
        self.flushed += 1


def read(*kinds: str, missing: str = "", beginning: bool = True, key: int = 0) -> tuple[list[int], list[str]]:
    """Numbers of the frames that come out, and what is said; packets before number `key` are no key frames."""
    source = SimpleNamespace(missing=missing, remarks=Remarks(), path=Path("a.mkv"))
    packets = [
        SimpleNamespace(
            kind=kind,
            number=number,
            size=kind != EMPTY,
            is_corrupt=kind == TORN,
            dts=None,
            pts=None,
            is_keyframe=number >= key,
        )
        for number, kind in enumerate(kinds)
    ]
    found = decoded(iter(packets), Decoder(), source, beginning=beginning)  # type: ignore[arg-type]
    return [frame.number for frame in found], list(source.remarks)  # type: ignore[attr-defined]


def test_what_is_whole_is_read_without_a_word() -> None:
    """A mark of damage alone, where nothing else says that the file is cut, is none."""
    assert read(GOOD, GOOD, EMPTY) == ([0, 1], [])
    assert read(GOOD, TORN) == ([0, 1], [])


def test_what_is_lost_at_the_beginning_is_counted() -> None:
    """Packets that fail, or those before the first key frame, whichever are more; later parts say nothing."""
    lost = "Its beginning is not whole: what cannot be shown is left out ({} pictures)."
    assert read(BAD, BAD, GOOD, GOOD) == ([2, 3], [lost.format(2)])
    assert read(NOT_YET, NOT_YET, NOT_YET, GOOD, key=3) == ([3], [lost.format(3)])
    assert read(NOT_YET, EMPTY, NOT_YET, GOOD, key=3) == ([3], [lost.format(2)])
    assert read(BAD, NOT_YET, GOOD, key=2) == ([2], [lost.format(2)])
    assert read(HALF, GOOD) == ([1], [lost.format(1)])
    assert read(BAD, GOOD, beginning=False) == ([1], [])
    assert read(NOT_YET, GOOD, key=9) == ([1], [])


@pytest.mark.parametrize("damage", [BAD, HALF])
def test_damage_near_the_end_is_the_end(damage: str) -> None:
    """With as many packets behind it as a decoder may hold back; one more, and it is damage on the way."""
    numbers, said = read(GOOD, damage, *[GOOD] * TAIL, EMPTY)
    assert numbers == [0, *range(2, TAIL + 2)]
    (remark,) = said
    why = "no such block" if damage == BAD else "a frame that is not whole"
    assert remark.startswith("The recording is cut short (") and why in remark
    with pytest.raises(MediaError, match=r"damage \(.*\) on the way in a\.mkv"):
        read(GOOD, damage, *[GOOD] * (TAIL + 1))


def test_a_file_that_is_cut_says_so() -> None:
    """What shows it is told before what failed; torn packets are then not decoded."""
    assert read(GOOD, TORN, missing="9 bytes") == (
        [0],
        ["The recording is cut short (9 bytes); it is read as far as it goes."],
    )
    assert read(GOOD, missing="9 bytes")[1] == ["The recording is cut short (9 bytes); it is read as far as it goes."]


def test_nothing_that_decodes_is_an_error() -> None:
    """With the first reason; an empty file has none, and says nothing here."""
    with pytest.raises(MediaError, match=r"expected frames that decode, got none \(.*no such block.*\) in a\.mkv"):
        read(BAD, HALF)
    assert read(EMPTY) == ([], [])


def ahead(stamp: int, *times: int | None, keys: tuple[int, ...] = (0, 4)) -> tuple[list[int], int]:
    decoder = Decoder()
    packets = iter(
        SimpleNamespace(number=number, pts=None if number % 2 else when, dts=when, size=1, is_keyframe=number in keys)
        for number, when in enumerate(times)
    )
    return [one.number for one in _ahead(packets, stamp, decoder)], decoder.flushed  # type: ignore[arg-type,attr-defined]


def test_packets_from_the_last_key_frame_on() -> None:
    """At the time itself or before; where there is none from the first packet on, without forgetting what was read."""
    assert ahead(40, 0, 10, 20, 30, 40, 50, 60) == ([4, 5, 6], 1)
    assert ahead(39, 0, 10, 20, 30, 40, 50, 60) == ([0, 1, 2, 3, 4, 5, 6], 1)
    assert ahead(20, 0, 10, 20, 30, 40, keys=(4,)) == ([0, 1, 2, 3, 4], 0)
    assert ahead(90, 0, None, 20, 30, 40) == ([0, 1, 2, 3, 4], 1)


def test_seeking_goes_back_until_it_is_early_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """By 0, 5, 30 seconds and to the beginning, which counts however late its first picture is."""
    asked: list[int] = []
    shown: dict[int, int] = {}
    container = SimpleNamespace(seek=lambda stamp, stream: asked.append(stamp))
    clock = SimpleNamespace(stamp=int, sought=lambda: None, moment=lambda frame: frame)
    source = SimpleNamespace(container=container, stream=None, path=Path("a.mkv"))
    monkeypatch.setattr("ltx.media.decoding._packets", lambda _: iter(()))
    monkeypatch.setattr("ltx.media.decoding.decoded", lambda *_: iter([shown[asked[-1]], 99]))

    def seek(**found: int) -> list[int]:
        asked.clear()
        shown.update({int(stamp[1:]): first for stamp, first in found.items()})
        return [*_sought(source, clock, Fraction(40), Decoder())]  # type: ignore[arg-type,list-item]

    assert seek(_40=41, _35=40) == [40, 99] and asked == [40, 35]
    assert seek(_40=41, _35=41, _10=41, _0=50) == [50, 99] and asked == [40, 35, 10, 0]
    clock.moment = lambda _: None
    with pytest.raises(MediaError, match=r"expected a\.mkv to show a picture at 40 s"):
        seek()
