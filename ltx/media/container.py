"""Opening a video file: which containers are read, and what its header says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from ltx.media.clock import RAW, RESTARTING, format_name, rate_of
from ltx.media.limits import MAX_PIXEL_ASPECT, Limits, MediaError, decoding
from ltx.media.remarks import Remarks
from ltx.media.streams import StreamChoice, chosen_stream
from ltx.media.whole import check_file

# Demuxers by FFmpeg's names. Playlists (hls, dash, concat, image2) can name other files or hosts and are left out.
DEMUXERS = (
    "mov,matroska,gif,avi,mpegts,mpeg,flv,ogg,asf,apng,yuv4mpegpipe,ivf,nut,mxf,gxf,dv,"
    "h264,hevc,vvc,evc,obu,m4v,mpegvideo,cavsvideo,vc1,dirac"
)
KINDS = "MP4, MOV, WebM, MKV, AVI, GIF or another usual video, or a folder of pictures"
VIDEOS = {f".{name}" for name in ("mp4", "m4v", "mov", "webm", "mkv", "avi", "gif", "apng", "ts", "mts", "m2ts", "mpg")}
VIDEOS |= {
    f".{name}" for name in ("mpeg", "vob", "flv", "ogv", "wmv", "asf", "y4m", "ivf", "nut", "mxf", "3gp", "h264")
}
"""Usual endings of names; what a file is, its content says."""


@dataclass(frozen=True)
class MediaInfo:
    """Properties of a video that are known before decoding it.

    Args:
        path: where it lies.
        kind: container and codec, e.g. "mov/h264".
        height: of the picture as shown, after rotation and pixel aspect.
        width: likewise.
        frame_rate: mean frames per second; 0 if the header does not say, as for a folder of pictures.
        frames: number of frames, 0 if the header does not say.
        duration: seconds, 0 if the header does not say.
    """

    path: Path
    kind: str
    height: int
    width: int
    frame_rate: float
    frames: int
    duration: float


@dataclass(frozen=True)
class Opened:
    """An open container and its video stream.

    Args:
        path: its name in messages.
        container: to read packets from.
        stream: whose pictures are taken.
        missing: what shows that it was cut short, in words; empty if nothing does.
        remarks: on it.
    """

    path: Path
    container: InputContainer
    stream: VideoStream
    missing: str
    remarks: Remarks


@contextmanager
def opened(path: Path, limits: Limits, remarks: Remarks, choice: StreamChoice) -> Iterator[Opened]:
    """The container and the stream to take; everything raised inside becomes `MediaError`."""
    missing = check_file(path, remarks)
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": DEMUXERS,
        "max_pixels": str(limits.pixels),
    }
    with decoding(path):
        try:
            container = av.open(f"file:{path}", options=options, metadata_errors="replace", timeout=limits.seconds)
        except av.error.ExitError as error:
            raise MediaError(
                f"expected {path} to open within {limits.seconds:g} s, got no answer; copy it to a local disk"
            ) from error
        except Exception as error:
            raise MediaError(
                f"expected {KINDS}, got {path} whose content is none of these or is damaged; "
                "convert it to MP4 (H.264) and try again"
            ) from error
        with container:
            stream = chosen_stream(path, container, remarks, choice)
            # A header may not know the size yet (GIF): the first frame is then checked instead.
            if stream.codec_context.width and stream.codec_context.height:
                limits.check_size(path, stream.codec_context.height, stream.codec_context.width)
            stream.codec_context.options = {"max_pixels": str(limits.pixels)}
            yield Opened(path, container, stream, missing, remarks)


def pixel_aspect(path: Path, stream: VideoStream) -> float:
    """Width of a pixel over its height.

    Raises:
        MediaError: outside 1/8 to 8.
    """
    aspect = float(stream.sample_aspect_ratio or 1)
    if not 1 / MAX_PIXEL_ASPECT <= aspect <= MAX_PIXEL_ASPECT:
        raise MediaError(
            f"expected pixels at most {MAX_PIXEL_ASPECT} times as wide as high or the reverse, "
            f"got {aspect:g} in {path}; convert the video to square pixels"
        )
    return aspect


def header(source: Opened) -> tuple[str, float, int, float]:
    """Kind, mean frame rate, number of frames and duration in seconds, as far as the header tells (else 0)."""
    container, stream = source.container, source.stream
    name = format_name(container)
    kind, rate = f"{name}/{stream.codec_context.name}", float(rate_of(container, stream))
    if source.missing or name in RESTARTING | RAW:
        # A header that promises more than there is, or a guess from the first and last times.
        return kind, rate, 0, 0.0
    if stream.duration and stream.time_base:
        duration = float(stream.duration * stream.time_base)
    else:
        # The container's begins with the first of its streams, sound too.
        late = float(stream.start_time * stream.time_base) if stream.start_time and stream.time_base else 0.0
        if name != "matroska":  # whose own counts from zero
            late -= (container.start_time or 0) / av.time_base if late else 0.0
        duration = max((container.duration or 0) / av.time_base - late, 0.0)
    return kind, rate, stream.frames or round(duration * rate), duration
