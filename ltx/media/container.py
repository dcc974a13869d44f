"""Opening a video file: which containers are read, whether the file is whole, what its header says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from ltx.media.limits import MAX_PIXEL_ASPECT, Limits, MediaError, decoding

# Demuxers by FFmpeg's names. Playlists (hls, dash, concat, image2) can name other files or hosts and are left out.
DEMUXERS = "mov,matroska,gif,avi,mpegts,mpeg,flv,ogg,asf,apng"
KINDS = "MP4, MOV, WebM, MKV, AVI or GIF, or a folder of pictures"
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


@dataclass(frozen=True)
class MediaInfo:
    """What is known of a video before decoding it.

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


@contextmanager
def opened(path: Path, limits: Limits) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its first moving video stream; everything raised inside becomes `MediaError`."""
    check_file(path)
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
            moving = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
            if not moving:
                raise MediaError(f"expected a file with a video stream, got none in {path}; choose another file")
            stream = moving[0]
            # A header may not know the size yet (GIF): the first frame is then checked instead.
            if stream.codec_context.width and stream.codec_context.height:
                limits.check_size(path, stream.codec_context.height, stream.codec_context.width)
            stream.codec_context.options = {"max_pixels": str(limits.pixels)}
            yield container, stream


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


def header(path: Path, container: InputContainer, stream: VideoStream) -> tuple[str, float, int, float]:
    """Kind, mean frame rate, number of frames and duration in seconds, as far as the header tells (else 0)."""
    rate = float(stream.average_rate or stream.guessed_rate or 0)
    if stream.duration and stream.time_base:
        duration = float(stream.duration * stream.time_base)
    else:
        duration = (container.duration or 0) / av.time_base
    frames = stream.frames or round(duration * rate)
    return f"{container.format.name.split(',')[0]}/{stream.codec_context.name}", rate, frames, duration


def check_file(path: Path) -> None:
    """Raise `MediaError` unless `path` is a regular file that ends where its container says."""
    if not path.exists():
        raise MediaError(f"expected a video file or a folder of pictures, got nothing at {path}; check the path")
    if not path.is_file():
        raise MediaError(f"expected a regular file, got {path}; copy the video into a file first")
    try:
        with path.open("rb") as file:
            missing = _missing_bytes(file, path.stat().st_size)
    except OSError as error:
        raise MediaError(f"expected a readable file, got {error.strerror} for {path}; check its permissions") from error
    if missing:
        raise MediaError(f"expected a whole video, got {path}, which {missing}; copy or download it again")


def _missing_bytes(file: BinaryIO, size: int) -> str:
    """What shows that a file was cut short, in words; empty if nothing does."""
    if size == 0:
        return "is empty"
    start = file.read(12)
    if start[4:8] in _BOXES:
        return _missing_boxes(file, size)
    if start[:4] == b"\x1a\x45\xdf\xa3":
        return _missing_segment(file, size)
    if start[:4] == b"RIFF" and (told := int.from_bytes(start[4:8], "little") + 8) > size:
        return f"should have {told} bytes but has {size}"
    return ""


def _missing_boxes(file: BinaryIO, size: int) -> str:
    """ISO/IEC 14496-12, 4.2: a file is a row of boxes, each with its size; a playable one has a `moov` box."""
    position, kinds = 0, set()
    while position + 8 <= size:
        file.seek(position)
        length, kind = int.from_bytes(file.read(4), "big"), file.read(4)
        if not kind.isalnum():
            break
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        kinds.add(kind)
        if length == 0:
            break
        if length < 8:
            return f"has a damaged {kind.decode()} box"
        position += length
    if position > size:
        return f"is cut short: {position} bytes announced, {size} there"
    return "" if b"moov" in kinds else "is cut short: its index (moov box) is not there"


def _missing_segment(file: BinaryIO, size: int) -> str:
    """RFC 8794: EBML header, then one Segment element; each is an identifier, a size and data."""
    file.seek(4)
    head = _ebml_size(file)
    if head is None:
        return ""
    file.seek(head, os.SEEK_CUR)
    if file.read(4) != b"\x18\x53\x80\x67":
        return ""
    body = _ebml_size(file)
    if body is None:
        return ""
    end = file.tell() + body
    return f"is cut short: {end} bytes announced, {size} there" if end > size else ""


def _ebml_size(file: BinaryIO) -> int | None:
    """A variable-length size: leading zeros of the first byte count the bytes that follow; all ones is unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    extra = 8 - first[0].bit_length()
    value = int.from_bytes(bytes([first[0] & (0x7F >> extra)]) + file.read(extra), "big")
    return None if value == (1 << 7 * (extra + 1)) - 1 else value
