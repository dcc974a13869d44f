"""Account of a set of videos: number of clips, and what is cropped, resampled and left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from ltx.media import MediaInfo, cover_size

NEARLY = 0.005
"""Share of a rate that counts as the same."""


@runtime_checkable
class GivesAccount(Protocol):
    """A source that can say what became of its videos."""

    def account(self) -> list[str]:
        """A line each on clips, cropping, rate and what is left out; nothing where there is nothing to say."""
        ...


def cropped(infos: Mapping[Path, MediaInfo], size: tuple[int, int]) -> str:
    """Share of the pictures that cropping leaves out, if any; files of folders and videos alike."""
    lost: Counter[int] = Counter()
    for info in infos.values():
        covered = cover_size(info.height, info.width, *size)
        lost[round(100 * (1 - size[0] * size[1] / (covered[0] * covered[1])))] += 1
    whole = lost.pop(0, 0)
    if not lost:
        return ""
    shares = f"{min(lost)} %" if len(lost) == 1 else f"{min(lost)} to {max(lost)} %"
    return (
        f"cropped to the middle {size[1]}×{size[0]}: {_of(len(infos) - whole, len(infos))} lose {shares} of the picture"
    )


def resampled(infos: Mapping[Path, MediaInfo], frame_rate: float) -> str:
    """From which rates frames are taken, where they are others."""
    others: Counter[str] = Counter()
    for info in infos.values():
        if info.frame_rate and abs(info.frame_rate - frame_rate) > NEARLY * frame_rate:
            others[f"{info.frame_rate:.4g}"] += 1
    if not others:
        return ""
    rates = [rate for rate, _ in others.most_common(3)]
    more = f" and {len(others) - 3} other rates" if len(others) > 3 else ""
    total = sum(others.values())
    line = f"resampled to {frame_rate:g} frames a second: {_of(total, len(infos))}, from {', '.join(rates)}{more}"
    repeated = sum(0 < info.frame_rate < frame_rate * (1 - NEARLY) for info in infos.values())
    return line + (f"; {repeated} of them are slower, so that frames repeat" if repeated else "")


def named(paths: Sequence[Path]) -> str:
    """The first few files by name."""
    return ", ".join(path.name for path in paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def counted(number: int, word: str) -> str:
    """1 file, 2 files."""
    return f"{number} {word}" + ("" if number == 1 else "s")


def _of(some: int, total: int) -> str:
    return f"all {counted(total, 'file')}" if some == total and total > 1 else f"{some} of {counted(total, 'file')}"
