"""Frames of a stream at a regular rate: from a file, a folder that grows, a camera or an address."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from itertools import count
from pathlib import Path

from foresight.errors import UserError
from foresight.video.arrival import ENDLESS, StreamFrame
from foresight.video.camera import live
from ltx.home import at_home
from ltx.media.folder import Names, is_picture
from ltx.media.frames import numbered_pictures, pictures
from ltx.media.reader import held
from ltx.media.remarks import aloud
from ltx.media.streams import StreamChoice, check_choice

PAUSE = 0.1
"""Seconds between two looks into a folder."""


def stream_frames(
    video: str,
    *,
    frame_rate: float,
    size: tuple[int, int],
    patience: float,
    backlog: int,
    stream: StreamChoice = "default",
) -> Iterator[StreamFrame]:
    """The frames of a stream, by the policy of `ltx.media.sample_video`: nothing is blended or shown early.

    Args:
        video: a file; a folder of pictures, which are taken one per frame in natural order as they are added; a camera
            such as /dev/video0; or an address such as rtsp://….
        frame_rate: frames per second of what is yielded.
        size: height and width of what is yielded.
        patience: seconds without a new picture after which a folder or an address has come to its end.
        backlog: frames of a camera or address that wait while the reader is busy; if there would be more, they are left
            out and the next one does not follow.
        stream: which of the videos of a file or an address, see `ltx.media.sample_video`.

    Raises:
        MediaError: if it cannot be read.
        UserError: if the name is empty or the patience is not above 0.
    """
    if not video.strip() or not patience > 0:
        raise UserError(
            expected="a file, folder, camera or address, and patience above 0",
            got=f"{video!r} and {patience}",
            remedy="name the stream with video=",
        )
    if is_live(video):
        return live(video, frame_rate=frame_rate, size=size, patience=patience, backlog=backlog, stream=stream)
    path, rate = at_home(video), Fraction(frame_rate).limit_denominator(100_000)
    if path.is_dir():
        check_choice(stream, 1, path, "it is one, number 0")
        growth = numbered_pictures(
            growing(path, patience), rate=rate, count=0, path=path, limits=ENDLESS, remarks=aloud(path)
        )
        # A folder has no clock, and the end of its newest picture must not be waited for.
        return (
            StreamFrame.of(picture, size, seconds=float(index / rate), follows=index > 0)
            for index, picture in enumerate(growth)
        )
    return _file(path, rate, size, stream)


def is_live(video: str) -> bool:
    """True for a camera or an address, which does not wait for its reader."""
    return "://" in video or video.startswith("/dev/video")


def growing(folder: Path, patience: float) -> Iterator[Path]:
    """The pictures of a folder in natural order, and those that are added behind them, once they are written.

    A picture counts as written when a later one is there, or its size has not changed between two looks. What is put in
    front of pictures that were yielded already is left out, so that nothing has to be remembered but the last name.

    Args:
        folder: where the pictures are.
        patience: seconds without a new one after which it ends.

    Raises:
        MediaError: if the names are of several kinds, such as frames and masks.
    """
    last: Path | None = None
    newest: tuple[Path, int] | None = None
    since = time.monotonic()
    while time.monotonic() - since <= patience:
        files = [file for file in folder.iterdir() if is_picture(file)]
        names = Names(files)
        files.sort(key=names.key)
        if files:
            names.one_series(folder, files)
        waiting = [file for file in files if last is None or names.key(file) > names.key(last)]
        before, newest = newest, (waiting[-1], waiting[-1].stat().st_size) if waiting else None
        ready = waiting if newest == before else waiting[:-1]
        for file in ready:
            yield file
            last, since = file, time.monotonic()
        # Always: two looks with no time between them would tell nothing about a file that is being written.
        time.sleep(PAUSE)


def _file(path: Path, rate: Fraction, size: tuple[int, int], stream: StreamChoice) -> Iterator[StreamFrame]:
    with closing(pictures(path, folder_rate=rate, limits=ENDLESS, remarks=aloud(path), stream=stream)) as shown:
        for index, picture in enumerate(held(shown, (step / rate for step in count()))):
            yield StreamFrame.of(picture, size, seconds=float(index / rate), follows=index > 0)
