"""What reading may cost: every limit itself is allowed, and the next step over it is refused in words that count."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltx.media.limits import Budget, Limits, MediaError

FILE = Path("a.mp4")


def test_as_many_frames_as_allowed_are_decoded() -> None:
    """Two of two are; the third is not."""
    budget = Budget(Limits(frames=2), FILE)
    budget.decoded()
    budget.decoded()
    with pytest.raises(MediaError, match=r"at most 2 frames, got more in a\.mp4"):
        budget.decoded()


def test_what_is_kept_counts_in_bytes_of_32_bit_floats() -> None:
    """A frame of 512×512 is 512 · 512 · 3 · 4 bytes, 3 MiB: two fill 6 MiB, and the third is over."""
    budget = Budget(Limits(bytes=6 * 2**20), FILE)
    budget.kept(512, 512)
    budget.kept(512, 512)
    with pytest.raises(MediaError, match="at most 6 MiB of decoded video"):
        budget.kept(512, 512)


def test_decoding_may_take_its_time_and_no_more() -> None:
    """A minute is allowed when it began half a minute ago, not when it began two minutes ago."""
    Budget(Limits(seconds=60), FILE, began=now() - 30).decoded()
    with pytest.raises(MediaError, match="within 60 s, got 1 frames"):
        Budget(Limits(seconds=60), FILE, began=now() - 120).decoded()


def now() -> float:
    return Budget(Limits(), FILE).began


@pytest.mark.parametrize(("height", "width", "fits"), [(8, 8, True), (7, 9, False), (9, 7, False), (10, 10, True)])
def test_pictures_are_neither_too_small_nor_too_large(height: int, width: int, fits: bool) -> None:
    """From 8×8 to the limit of 100 pixels, both included."""
    limits = Limits(pixels=100)
    if fits:
        limits.check_size(FILE, height, width)
    else:
        with pytest.raises(MediaError, match=f"got {width}×{height}"):
            limits.check_size(FILE, height, width)
    with pytest.raises(MediaError, match="at most 100 pixels"):
        limits.check_size(FILE, 10, 11)
