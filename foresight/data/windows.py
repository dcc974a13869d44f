"""Several clips of one file: windows at a regular stride, or side by side within each scene."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.data.table import ListedClip
from foresight.errors import UserError
from ltx.media import Limits, MediaError, probe, sample_video

SCENES = "scenes"
SMALL = (32, 32)
"""Height and width where only the number of frames, or how much they differ, matters."""
LEAST, TIMES, AROUND = 12.0, 3.0, 4
"""A cut changes a picture by at least so many grey levels on average, and so many times as much as is usual in so many
frames before and after."""
_SECONDS = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*s\s*")


@dataclass(frozen=True)
class Cut:
    """Clips cut from the files of a table's rows.

    Args:
        clips: in the order of the rows, and of time.
        short: files that end before their first clip does.
        how: in words.
    """

    clips: list[ListedClip]
    short: list[Path]
    how: str


def stride(every: str | int, frame_rate: float) -> Fraction | None:
    """Seconds from one window to the next, of "2s" or of frames of the clips; None for "scenes".

    Raises:
        UserError: if it is none of these, or not above 0.
    """
    step = None
    if every == SCENES:
        return None
    if isinstance(every, int) and not isinstance(every, bool):
        step = every / Fraction(frame_rate).limit_denominator(100_000)
    elif isinstance(every, str) and (match := _SECONDS.fullmatch(every)):
        step = Fraction(match[1])
    if step is None or step <= 0:
        raise UserError(
            expected=f'a stride in seconds ("2s"), in frames of a clip (16), or "{SCENES}"',
            got=repr(every),
            remedy="write clips.every=2s",
        )
    return step


def cut(rows: Sequence[ListedClip], *, every: str | int, frames: int, frame_rate: float) -> Cut:
    """All clips that fit into each row's file from the row's start on.

    A row whose file cannot be read stays one clip, so that it is told of as it is without windows.

    Args:
        rows: of the table.
        every: see `stride`. By scenes, clips stand side by side and none crosses from one scene into the next.
        frames: of a clip.
        frame_rate: frames per second of the clips.

    Raises:
        UserError: if `every` is no stride.
    """
    step, length = stride(every, frame_rate), (frames - 1) / frame_rate
    how = f"{length:.3g} s side by side in each scene" if step is None else f"{length:.3g} s every {float(step):.3g} s"
    clips: list[ListedClip] = []
    short = []
    for row in rows:
        try:
            starts = _in_scenes(row, frames, frame_rate) if step is None else _regular(row, step, frames, frame_rate)
        except MediaError:
            starts = [row.start]
        if not starts and row.path not in short:
            short.append(row.path)
        clips += [replace(row, start=start) for start in starts]
    return Cut(clips, short, f"windows of {how}")


def _regular(row: ListedClip, step: Fraction, frames: int, frame_rate: float) -> list[float]:
    """Starts of windows at a stride; what a header promises is read at the end, where it may promise too much."""
    end = (
        probe(row.path, stream=row.stream).duration
        or _read(row, Limits().frames, frame_rate).shape[1] / frame_rate + row.start
    )
    length = (frames - 1) / frame_rate
    starts: list[float] = []
    while (start := row.start + float(len(starts) * step)) + length < end:
        starts.append(start)
    while starts and not _whole(replace(row, start=starts[-1]), frames, frame_rate):
        starts.pop()
    return starts


def _whole(clip: ListedClip, frames: int, frame_rate: float) -> bool:
    try:
        return _read(clip, frames, frame_rate).shape[1] == frames
    except MediaError:
        return False


def _in_scenes(row: ListedClip, frames: int, frame_rate: float) -> list[float]:
    video = _read(row, Limits().frames, frame_rate)
    starts: list[float] = []
    for first, end in scenes(video):
        starts += [row.start + at / frame_rate for at in range(first, end - frames + 1, frames)]
    return starts


def scenes(video: Float[Tensor, "rgb=3 frame height width"]) -> Iterator[tuple[int, int]]:
    """First frame of each scene of a video in [−1, 1], and the first behind it.

    A scene ends where the picture changes much at once and far more than in the frames around, so that neither fast
    motion nor a fade is taken for a cut.
    """
    changes = (video[:, 1:] - video[:, :-1]).abs().mean(dim=(0, 2, 3)) * 127.5
    first = 0
    for at in range(len(changes)):
        around = torch.cat([changes[max(0, at - AROUND) : at], changes[at + 1 : at + 1 + AROUND]])
        usual = float(around.median()) if len(around) else 0.0
        if float(changes[at]) >= max(LEAST, TIMES * usual):
            yield first, at + 1
            first = at + 1
    yield first, video.shape[1]


def _read(row: ListedClip, frames: int, frame_rate: float) -> Float[Tensor, "rgb=3 frame height width"]:
    found = sample_video(row.path, frame_rate=frame_rate, frames=frames, size=SMALL, start=row.start, stream=row.stream)
    return found.video
