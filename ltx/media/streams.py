"""Choose among a file's video streams."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from ltx.media.limits import MediaError
from ltx.media.remarks import Remarks

StreamChoice = int | Literal["default"]
"""Number of a video stream, counted from 0 and without cover pictures; or that the file decides."""


def chosen_stream(
    path: Path, container: InputContainer, remarks: Remarks, choice: StreamChoice = "default"
) -> VideoStream:
    """The video stream of a number; else the one marked as default, else the largest, else the first.

    A cover picture is none.

    Args:
        path: its name in messages.
        container: open.
        remarks: receives the one that is taken where the file has several and none was chosen.
        choice: see `StreamChoice`.

    Raises:
        MediaError: if there is none, or none of that number.
    """
    still = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    moving = [stream for stream in container.streams.video if not stream.disposition & still]
    if not moving:
        cover = ", only a cover picture" if container.streams.video else ""
        sound = " beside its sound" if container.streams.audio else ""
        raise MediaError(f"expected a file with a video stream, got none{cover}{sound} in {path}; choose another file")
    streams = ", ".join(f"{number} ({_described(stream)})" for number, stream in enumerate(moving))
    if choice != "default":
        check_choice(choice, len(moving), path, streams)
        return moving[choice]
    chosen = max(moving, key=lambda stream: (_is_default(stream), _pixels(stream)))
    if len(moving) > 1:
        remarks.add(
            f"Of its {len(moving)} videos number {moving.index(chosen)} is taken; stream= chooses of {streams}."
        )
    return chosen


def check_choice(choice: StreamChoice, count: int, path: Path, streams: str) -> None:
    """Raise `MediaError` unless a video of `count` streams, listed in words, has the chosen one."""
    if choice != "default" and (isinstance(choice, bool) or not isinstance(choice, int) or not 0 <= choice < count):
        raise MediaError(f"expected stream= default or the number of a video in {path}: {streams}; got {choice!r}")


def _is_default(stream: VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.default)


def _pixels(stream: VideoStream) -> int:
    return stream.codec_context.width * stream.codec_context.height


def _described(stream: VideoStream) -> str:
    context = stream.codec_context
    words = [context.name, f"{context.width}×{context.height}" if _pixels(stream) else "", stream.metadata.get("title")]
    return " ".join(filter(None, words)) + (", marked as default" if _is_default(stream) else "")
