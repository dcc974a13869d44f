"""Cameras and addresses: read in a thread of its own, so that a slow reader sees the present and not the past."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from contextlib import closing, suppress
from fractions import Fraction
from http.client import HTTPException
from pathlib import Path
from threading import Condition, Thread
from urllib.request import urlopen

import av

from foresight.errors import one_line
from foresight.video.arrival import ENDLESS, StreamFrame
from ltx.media import MediaError
from ltx.media.clock import Clock, continuous
from ltx.media.container import DEMUXERS, Opened
from ltx.media.frames import Picture, decoded_pictures
from ltx.media.recognise import HEAD, no_video
from ltx.media.remarks import aloud
from ltx.media.streams import StreamChoice, chosen_stream

# Playlists can name other files or hosts and are left out, as for files.
PROTOCOLS = "rtsp,rtsps,rtp,rtmp,http,https,tcp,udp,srt,tls"
FORMATS = f"{DEMUXERS},rtsp,sdp,rtp,mjpeg,video4linux2,v4l2"
GAP = Fraction(2)
"""Seconds between two pictures that are no longer taken for a steady stream."""


def live(
    address: str, *, frame_rate: float, size: tuple[int, int], patience: float, backlog: int, stream: StreamChoice
) -> Iterator[StreamFrame]:
    """See `foresight.video.stream`.

    Raises:
        MediaError: if nothing can be opened there, or no picture comes within the patience.
    """
    rate = Fraction(frame_rate).limit_denominator(100_000)
    buffer = Backlog(backlog)
    steadily = steady(_pictures(address, patience, stream), rate, size)
    Thread(target=buffer.fill, args=(steadily,), name="live video", daemon=True).start()
    return buffer.drain()


class Backlog:
    """A queue of bounded length between a source that does not wait and a reader that may be late.

    When it is full, all that waits is left out: the reader goes on with the present.

    Args:
        most: how many arrivals may wait.
    """

    def __init__(self, most: int) -> None:
        self._waiting: deque[StreamFrame] = deque()
        self._most = most
        self._changed = Condition()
        self._ended = False
        self._error: Exception | None = None
        self._missed = False
        self._stopped = False

    def fill(self, stream: Iterator[StreamFrame]) -> None:
        """Read a stream to its end, or until the reader has gone."""
        try:
            for arrival in stream:
                with self._changed:
                    if self._stopped:
                        return
                    if len(self._waiting) >= self._most:
                        self._waiting.clear()
                        self._missed = True
                    self._waiting.append(arrival)
                    self._changed.notify()
        except Exception as error:  # handed to the reader, in its own thread
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()

    def drain(self) -> Iterator[StreamFrame]:
        """Frames that have arrived, in order; ends with the stream.

        Raises:
            Exception: what reading the stream raised, unless pictures had come: then the stream has ended.
        """
        any_came = False
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._waiting or self._ended)
                    if not self._waiting:
                        break
                    arrival, missed = self._waiting.popleft(), self._missed
                    self._missed = False
                any_came = True
                yield StreamFrame(arrival.frame, arrival.seconds, arrival.follows and not missed)
        finally:
            self._stopped = True
        if self._error is not None and not any_came:
            raise self._error


def steady(stream: Iterator[Picture], rate: Fraction, size: tuple[int, int]) -> Iterator[StreamFrame]:
    """At each step of the clock the picture on screen; where pictures stay out for long, the clock starts anew."""
    before: Picture | None = None
    moment, follows = Fraction(0), False
    for picture in stream:
        if before is None or picture.start - before.start > GAP:
            moment, follows = picture.start, False
        else:
            while moment + before.rounding < picture.start:
                yield StreamFrame.of(before, size, seconds=float(moment), follows=follows)
                moment, follows = moment + 1 / rate, True
        before = picture


def _pictures(address: str, patience: float, stream: StreamChoice) -> Iterator[Picture]:
    options = {"protocol_whitelist": PROTOCOLS, "format_whitelist": FORMATS, "rtsp_transport": "tcp"}
    camera = address.startswith("/dev/")
    if camera:
        options = {}
    try:
        container = av.open(
            address, format="v4l2" if camera else None, options=options, timeout=patience, metadata_errors="replace"
        )
    except Exception as error:
        if _playlist(address, patience):
            raise MediaError(
                f"expected one stream at {address}, got a playlist (HLS or DASH), which names other addresses and "
                f"is not followed; pass it on: ffmpeg -i {address} -c copy -f mpegts -listen 1 http://127.0.0.1:8090, "
                "and watch video=http://127.0.0.1:8090"
            ) from error
        reason = one_line(error)
        raise MediaError(
            f"expected video at {address}, got {type(error).__name__} ({reason}); "
            "check the address, the network and the camera"
        ) from error
    with closing(container):
        path = Path(address)
        remarks = aloud(path)
        source = Opened(path, container, chosen_stream(path, container, remarks, stream), "", remarks)
        clock = Clock(container, source.stream)
        yield from decoded_pictures(_whole(source), clock, source, ENDLESS)


def _whole(source: Opened) -> Iterator[av.VideoFrame]:
    """Frames without those that were damaged on the way."""
    packets = source.container.demux(source.stream)
    for packet in continuous(packets, source.container, source.stream, source.remarks, live=True):
        with suppress(av.error.InvalidDataError):
            yield from (frame for frame in packet.decode() if not frame.is_corrupt)


def _playlist(address: str, patience: float) -> bool:
    """True for the address of a playlist, by its name or its first bytes."""
    if re.search(r"\.(m3u8?|mpd|ism)(/manifest)?([?#]|$)", address, re.IGNORECASE):
        return True
    if not address.startswith(("http://", "https://")):
        return False
    try:
        with urlopen(address, timeout=patience) as answer:
            return (told := no_video(answer.read(HEAD))) is not None and "playlist" in told[0]
    except (OSError, ValueError, HTTPException):
        return False
