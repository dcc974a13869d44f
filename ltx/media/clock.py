"""Presentation times of frames, for containers whose clocks start anew, have only decoding times, or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from av import Packet, VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from ltx.media.remarks import Remarks

RESTARTING = {"mpegts", "mpeg"}
"""Containers whose clock may jump, FFmpeg's AVFMT_TS_DISCONT."""
RAW = {"h264", "hevc", "vvc", "evc", "obu", "m4v", "mpegvideo", "cavsvideo", "vc1", "dirac", "mjpeg"}
"""Codecs without a container."""
DECODING_TIMES = {"avi"}
"""Containers that hold no times of showing."""
_BACK, _AHEAD = Fraction(1, 10), Fraction(10)
"""Seconds by which a clock may be off before it counts as another one, as in the ffmpeg command."""


def format_name(container: InputContainer) -> str:
    """The first of FFmpeg's names of a container."""
    return container.format.name.split(",")[0]


def continuous(
    packets: Iterable[Packet[VideoStream]],
    container: InputContainer,
    stream: VideoStream,
    remarks: Remarks,
    *,
    live: bool = False,
) -> Iterator[Packet[VideoStream]]:
    """Packets whose times go on where the clock starts anew, as in transport streams that were joined.

    Args:
        packets: as they are read.
        container: that they come from.
        stream: likewise.
        remarks: receives one if it happens.
        live: whether a jump ahead is time that has passed, and not another clock.
    """
    tick = stream.time_base or Fraction(1, 1000)
    restarting = not live and format_name(container) in RESTARTING
    usual = round(1 / (rate_of(container, stream) or 25) / tick)
    shift, last, due = 0, None, 0
    for packet in packets:
        if packet.dts is not None:
            if not packet.size:
                continue  # a frame like the one before, as in Theora
            # Times of decoding never fall, whatever the order of showing and however uneven the rate.
            gone = (packet.dts + shift - last) * tick if last is not None else Fraction(0)
            if gone < -_BACK or (restarting and gone > _AHEAD):
                shift = due - packet.dts
                remarks.add("Its clock starts anew on the way: the parts are taken one after the other.")
            if shift:
                packet.dts += shift
                packet.pts = packet.pts + shift if packet.pts is not None else None
            last, due = packet.dts, packet.dts + (packet.duration or usual)
            if restarting and packet.pts is not None and abs(packet.pts - packet.dts) * tick > _AHEAD:
                packet.pts = None  # already on the other clock
        yield packet


def rate_of(container: InputContainer, stream: VideoStream) -> Fraction:
    """Mean frames per second; 0 if the file does not say."""
    # DV's mean is the rate of its clock.
    if format_name(container) in RAW | {"dv"}:
        return stream.guessed_rate or stream.average_rate or Fraction(0)
    return stream.average_rate or stream.guessed_rate or Fraction(0)


class Clock:
    """Times of decoded frames in seconds after the first.

    Args:
        container: that they come from.
        stream: likewise.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self.tick = stream.time_base or Fraction(1, 1000)
        self.rounding = min(max(self.tick / 2, Fraction(1, 2000)), Fraction(1, 200))
        self.origin: int | None = None
        self._end = self._start = Fraction(0)
        self._decoding = format_name(container) in DECODING_TIMES
        rate = rate_of(container, stream)
        # Where the file gives neither the length of a picture nor a rate, 25 a second is as good as any.
        self._usual = 1 / rate.limit_denominator(100_000) if rate > 0 else Fraction(1, 25)

    def times(self, frame: VideoFrame) -> tuple[Fraction, Fraction]:
        """Times at which a frame appears and disappears; never before the one before it."""
        moment = self.moment(frame)
        start = self._end if moment is None else max(self._start, moment)
        self._start, self._end = start, start + (frame.duration * self.tick if frame.duration else self._usual)
        return self._start, self._end

    def moment(self, frame: VideoFrame) -> Fraction | None:
        """Time at which a frame appears by the container; None if it does not say. The first frame's time is zero."""
        stamp = frame.dts if self._decoding else frame.pts
        if stamp is None:
            return None
        self.origin = stamp if self.origin is None else self.origin
        return (stamp - self.origin) * self.tick

    def stamp(self, moment: Fraction) -> int:
        """A moment on the clock of the container."""
        return (self.origin or 0) + round(moment / self.tick)

    def sought(self) -> None:
        """Forget the frame before: another part of the file follows."""
        self._start = self._end = Fraction(0)
