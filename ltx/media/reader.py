"""Reading videos: every frame, or frames at a given rate and size."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ltx.home import at_home
from ltx.media.container import MediaInfo
from ltx.media.frames import Picture, pictures
from ltx.media.limits import Budget, EndedError, Limits
from ltx.media.pixels import cover_size, to_float
from ltx.media.remarks import Remarks, aloud
from ltx.media.streams import StreamChoice

LIMITS = Limits()


@dataclass(frozen=True)
class Footage:
    """A decoded video.

    Args:
        video: RGB in [−1, 1].
        times: seconds after the first frame of the file at which the source frame of each frame appears.
        info: the file; its frame_rate and size are those of the source.
        source_frames: how many different source frames were used.
        remarks: what is to be known of the file beside its pictures, in plain sentences.
    """

    video: Float[Tensor, "rgb=3 frame height width"]
    times: Float[Tensor, " frame"]
    info: MediaInfo
    source_frames: int
    remarks: tuple[str, ...] = ()

    def warn(self) -> None:
        """Say the remarks as warnings, with the file's name."""
        for remark in self.remarks:
            warnings.warn(f"{self.info.path}: {remark}", stacklevel=2)


def probe(path: str | Path, *, limits: Limits = LIMITS, stream: StreamChoice = "default") -> MediaInfo:
    """Size, rate, length and kind of a video, from its header and first frame; `stream` as in `sample_video`.

    Raises:
        MediaError: if it cannot be read.
    """
    with closing(
        pictures(at_home(path), folder_rate=Fraction(1), limits=limits, remarks=Remarks(), stream=stream)
    ) as shown:
        return next(shown).info


def read_video(path: str | Path, *, limits: Limits = LIMITS, stream: StreamChoice = "default") -> Footage:
    """Every frame of a file or folder in its own size; `stream` as in `sample_video`.

    Raises:
        MediaError: if it cannot be read or exceeds the limits.
    """
    path = at_home(path)
    budget, remarks = Budget(limits, path), Remarks()
    frames, times = [], []
    for picture in pictures(path, folder_rate=Fraction(1), limits=limits, remarks=remarks, stream=stream):
        budget.kept(picture.info.height, picture.info.width)
        frames.append(picture.pixels(picture.info.height, picture.info.width))
        times.append(float(picture.start))
    return Footage(_float(frames), torch.tensor(times), picture.info, len(frames), tuple(remarks))


def sample_video(
    path: str | Path,
    *,
    frame_rate: float,
    frames: int,
    size: tuple[int, int],
    start: float = 0.0,
    limits: Limits = LIMITS,
    stream: StreamChoice = "default",
) -> Footage:
    """Frames at a regular rate: frame i is the source frame on screen at start + i / frame_rate seconds.

    Nothing is blended, and nothing from later is shown early (but for the container's rounding of times). A folder of
    pictures has no timing: its pictures are taken as they are, one per frame. Pictures are scaled to cover `size` and
    cropped to their middle. Holds fewer than `frames` frames where the file ends earlier. Decoding begins at the key
    frame before `start`, wherever in the file that is, and stops as soon as all are found.

    Args:
        path: file or folder.
        frame_rate: of the result, above 0.
        frames: how many at most, at least 1.
        size: (height, width) of the result.
        start: seconds into the video.
        limits: what reading may cost.
        stream: which of a file's videos, counted from 0 and without cover pictures; "default" takes the one marked so,
            else the largest, else the first.

    Raises:
        MediaError: if it cannot be read, exceeds the limits, ends before `start`, or has no such stream.
        ValueError: for a rate, number, size or start that is out of range.
    """
    if not (0 < frame_rate <= 1000 and frames >= 1 and min(size) >= 1 and 0 <= start < math.inf):
        raise ValueError(
            f"expected 0 < frame_rate ≤ 1000, frames ≥ 1, a size of at least 1×1 and a finite start ≥ 0, "
            f"got {frame_rate}, {frames}, {size} and {start}"
        )
    path = at_home(path)
    rate = Fraction(frame_rate).limit_denominator(100_000)
    # No file is as long as a billion seconds, and containers' clocks cannot tell much later ones.
    first = Fraction(min(start, 1e9)).limit_denominator(100_000)
    budget, remarks = Budget(limits, path), Remarks()
    out: list[np.ndarray] = []
    times: list[float] = []
    info = None
    with closing(pictures(path, folder_rate=rate, limits=limits, remarks=remarks, start=first, stream=stream)) as shown:
        for picture in held(shown, (first + i / rate for i in range(frames))):
            info = picture.info
            budget.kept(*size)
            repeated = times and times[-1] == float(picture.start)
            out.append(out[-1] if repeated else covering(picture, size, limits))
            times.append(float(picture.start))
    if info is None:
        raise EndedError(f"expected a video longer than {start:g} s, got {path}, which ends before; start earlier")
    return Footage(_float(out), torch.tensor(times), info, len(set(times)), tuple(remarks))


def last_picture(
    path: str | Path, *, size: tuple[int, int], limits: Limits = LIMITS
) -> Float[Tensor, "rgb=3 height width"]:
    """The last picture of a video or folder, scaled to cover (height, width) and cropped to its middle.

    Raises:
        MediaError: if it cannot be read or exceeds the limits.
    """
    path = at_home(path)
    near = Fraction(max(probe(path, limits=limits).duration - 1, 0)).limit_denominator(1000)
    stream = pictures(path, folder_rate=Fraction(1), limits=limits, remarks=aloud(path), start=near)
    for picture in stream:
        last = picture
    return _float([covering(last, size, limits)])[:, 0]


def held(stream: Iterator[Picture], moments: Iterator[Fraction]) -> Iterator[Picture]:
    """For each moment the picture on screen then, until the last picture disappears.

    Containers round times (WebM to 1 ms, GIF to 10 ms), so a picture may claim to start just after the moment it was
    made for; half a tick of the container's clock, between 0.5 and 5 ms, takes that up.
    """
    moment = next(moments, None)
    before: Picture | None = None
    for picture in stream:
        while moment is not None and before is not None and moment + picture.rounding < picture.start:
            yield before
            moment = next(moments, None)
        if moment is None:
            return
        before = picture
    while moment is not None and before is not None and moment + before.rounding < before.end:
        yield before
        moment = next(moments, None)


def covering(picture: Picture, size: tuple[int, int], limits: Limits) -> UInt8[np.ndarray, "height width rgb=3"]:
    """A picture scaled until it covers `size`, aspect kept, and cropped to its middle."""
    height, width = cover_size(picture.info.height, picture.info.width, *size)
    limits.check_size(picture.info.path, height, width)
    pixels = picture.pixels(height, width)
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return pixels[top : top + size[0], left : left + size[1]]


def _float(frames: list[np.ndarray]) -> Float[Tensor, "rgb=3 frame height width"]:
    return to_float(torch.from_numpy(np.stack(frames)))
