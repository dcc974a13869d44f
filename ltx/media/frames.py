"""The pictures of a video file or a folder in the order of showing, each with the time it is on screen."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av import VideoFrame
from jaxtyping import UInt8

from ltx.media.clock import RAW, Clock, format_name
from ltx.media.colours import convert, mention_colours
from ltx.media.container import MediaInfo, Opened, header, opened, pixel_aspect
from ltx.media.decoding import frames_from
from ltx.media.folder import numbered
from ltx.media.limits import Budget, Limits, MediaError, decoding
from ltx.media.orientation import Orientation, orientation
from ltx.media.remarks import Remarks
from ltx.media.still import load_still, moving_webp, resizer
from ltx.media.streams import StreamChoice, check_choice


@dataclass(frozen=True)
class Picture:
    """One decoded picture whose colours are converted only when asked for, which is the costly part.

    Args:
        start: seconds after the first picture at which it appears.
        end: when it disappears.
        rounding: seconds by which the container may have rounded these times.
        info: the video it belongs to.
        convert: makes RGB bytes of a given (height, width).
    """

    start: Fraction
    end: Fraction
    rounding: Fraction
    info: MediaInfo
    convert: Callable[[int, int], np.ndarray]

    def pixels(self, height: int, width: int) -> UInt8[np.ndarray, "height width rgb=3"]:
        """RGB of the asked size (bilinear, antialiased; aspect not kept)."""
        with decoding(self.info.path):
            return self.convert(height, width)


def pictures(
    path: Path,
    *,
    folder_rate: Fraction,
    limits: Limits,
    remarks: Remarks,
    start: Fraction = Fraction(0),
    stream: StreamChoice = "default",
) -> Generator[Picture]:
    """Decode a video file, or a folder of pictures taken as a video of `folder_rate` pictures a second.

    Args:
        path: file or folder.
        folder_rate: pictures a second of a folder.
        limits: what reading may cost; only what is decoded counts.
        remarks: filled with what is to be known beside the pictures.
        start: seconds; pictures that are gone by then may be left out.
        stream: which of a file's videos.

    Raises:
        MediaError: if anything about the input is wrong, at the picture where it is found.
    """
    if path.is_dir():
        check_choice(stream, 1, path, "it is one, number 0")
        files = numbered(path, remarks)
        first = min(int(start * folder_rate), len(files) - 1)
        return numbered_pictures(
            files, rate=folder_rate, count=len(files), path=path, limits=limits, first=first, remarks=remarks
        )
    if path.is_file() and path.stat().st_size and _is_moving_webp(path):
        check_choice(stream, 1, path, "it is one, number 0")
        return _webp(path, limits)
    return _file(path, limits, remarks, start, stream)


def _is_moving_webp(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(21)
    except OSError:  # the reason is given where videos are read
        return False
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and bool(head[20] & 2)


def _webp(path: Path, limits: Limits) -> Generator[Picture]:
    budget = Budget(limits, path)
    start, info = Fraction(0), None
    for image, milliseconds in moving_webp(path, limits):
        budget.decoded()
        info = info or MediaInfo(path, "webp/webp", image.height, image.width, 0.0, 0, 0.0)
        # Viewers show what has no length, or nearly none, for a tenth of a second.
        end = start + Fraction(milliseconds if milliseconds > 10 else 100, 1000)
        yield Picture(start, end, Fraction(1, 2000), info, resizer(image))
        start = end


def _file(path: Path, limits: Limits, remarks: Remarks, start: Fraction, stream: StreamChoice) -> Generator[Picture]:
    with opened(path, limits, remarks, stream) as source:
        clock = Clock(source.container, source.stream)
        yield from decoded_pictures(frames_from(source, clock, start), clock, source, limits)


def decoded_pictures(frames: Iterable[VideoFrame], clock: Clock, source: Opened, limits: Limits) -> Generator[Picture]:
    """The decoded frames of an open container as pictures.

    Raises:
        MediaError: at a limit, or if there is no picture.
    """
    path, remarks = source.path, source.remarks
    budget = Budget(limits, path)
    kind, rate, number, duration = header(source)
    aspect = pixel_aspect(path, source.stream)
    info: MediaInfo | None = None
    size = 0, 0
    for frame in frames:
        budget.decoded()
        start, end = clock.times(frame)
        turned = orientation(frame)
        if info is None:
            size = frame.height, frame.width
            height, width = turned.size(frame.height, max(1, round(frame.width * aspect)))
            limits.check_size(path, height, width)
            info = MediaInfo(path, kind, height, width, rate, number, duration)
            if format_name(source.container) in RAW:
                remarks.add(f"It has no clock: {float(1 / (end - start)):.4g} frames a second are taken.")
        elif (frame.height, frame.width) != size:
            limits.check_size(path, frame.height, frame.width)
            remarks.add(
                f"The size changes on the way, from {size[1]}×{size[0]} to {frame.width}×{frame.height}: "
                "all pictures are scaled to the first."
            )
        mention_colours(frame, remarks)
        yield Picture(start, end, clock.rounding, info, _converter(frame, turned))
    if info is None:
        raise MediaError(f"expected at least one frame, got none in {path}; the file is empty or damaged")


def _converter(frame: VideoFrame, turned: Orientation) -> Callable[[int, int], np.ndarray]:
    return lambda height, width: turned.apply(convert(frame, *turned.size(height, width)))


def numbered_pictures(
    files: Iterable[Path],
    *,
    rate: Fraction,
    count: int,
    path: Path,
    limits: Limits,
    remarks: Remarks,
    first: int = 0,
) -> Generator[Picture]:
    """Picture files as a video of `rate` pictures a second.

    Args:
        files: in order.
        rate: pictures a second.
        count: how many there will be, 0 if nobody knows.
        path: the name of all in messages.
        limits: what reading may cost.
        remarks: filled with what is to be known beside the pictures.
        first: how many to leave out at the beginning.

    Raises:
        MediaError: if a file is no picture, has another size than the first, or a limit is reached.
    """
    budget = Budget(limits, path)
    info: MediaInfo | None = None
    for index, file in enumerate(files):
        if index < first:
            continue
        budget.decoded()
        image = load_still(file, limits, remarks)
        if info is None:
            seconds = float(count / rate)
            kind = f"folder/{file.suffix.lower()[1:]}"
            info = MediaInfo(path, kind, image.height, image.width, 0.0, count, seconds)
        elif (image.height, image.width) != (info.height, info.width):
            raise MediaError(
                f"expected pictures of one size, got {image.width}×{image.height} in {file.name} after "
                f"{info.width}×{info.height} in {path}; scale them to one size"
            )
        yield Picture(index / rate, (index + 1) / rate, Fraction(0), info, resizer(image))
