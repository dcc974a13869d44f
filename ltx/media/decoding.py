"""Decoded frames of an open container: from its beginning or near a moment, damage and all."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain

import av
from av import Packet, VideoFrame
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from ltx.media.clock import RAW, RESTARTING, Clock, continuous, format_name
from ltx.media.container import Opened
from ltx.media.limits import MediaError

TAIL = 32
"""Packets behind damage with which it still counts as the end of a recording, and not as damage on the way."""
_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_RETREATS = (Fraction(0), Fraction(5), Fraction(30), Fraction(10**9))
"""Seconds before the wanted moment to seek to, where the first place found is too late."""


def frames_from(source: Opened, clock: Clock, start: Fraction) -> Iterator[VideoFrame]:
    """Whole frames in the order of showing, from the last key frame before `start` seconds or earlier.

    Containers that can be entered anywhere are; of transport streams the packets before it are read but not decoded,
    since their clock may start anew; raw streams, which have none, are decoded from their beginning.

    Raises:
        MediaError: at damage that is not at the end.
    """
    decoder = _decoder(source)
    packets = _packets(source)
    first = next(frames := decoded(packets, decoder, source, beginning=True), None)
    if first is None:
        return
    _, end = clock.times(first)
    name = format_name(source.container)
    if start <= end or name in RAW:
        clock.sought()
        yield from chain([first], frames)
    elif name in RESTARTING:
        yield from decoded(_ahead(packets, clock.stamp(start), decoder), decoder, source)
    else:
        yield from _sought(source, clock, start, decoder)


def decoded(
    packets: Iterable[Packet[VideoStream]], decoder: VideoCodecContext, source: Opened, *, beginning: bool = False
) -> Iterator[VideoFrame]:
    """Decode packets; what cannot be decoded before the first whole frame is left out, and damage at the end ends it.

    Args:
        packets: in their order.
        decoder: of their stream.
        source: keeps remarks on what is left out.
        beginning: whether these are the first packets of the recording, whose loss is one of the recording's.

    Raises:
        MediaError: at damage with more than `TAIL` packets behind it, or if nothing can be decoded.
    """
    waiting: list[VideoFrame] | None = None
    damage, packets_behind, any_whole = "", 0, False
    bad, early, entered = 0, 0, False
    before: Packet[VideoStream] | None = None
    marks: deque[bool] = deque(maxlen=3)
    end: int | None = None
    for packet in packets:
        entered = entered or packet.is_keyframe
        early += not entered and bool(packet.size)
        packets_behind += waiting is not None and bool(packet.size)
        # In transport streams the mark may also come from a part that was put before, and be on a whole packet: it
        # counts where the end is known to be missing, or pictures beside it are.
        marks.append(packet.is_corrupt)
        torn = bool(packet.size and ((source.missing and packet.is_corrupt) or (any(marks) and _jumps(before, packet))))
        before = packet if packet.dts is not None else before
        try:
            frames = [] if torn else decoder.decode(packet)
            wrong = "a packet that is not whole" if torn else ""
        except (av.error.InvalidDataError, av.error.PatchWelcomeError, av.error.UndefinedError) as error:
            frames, wrong = [], " ".join(str(error).split())
        for frame in frames:
            if frame.is_corrupt:
                wrong = wrong or "a frame that is not whole"
            elif waiting is not None and not wrong:
                waiting.append(frame)
            elif not wrong:
                lost = 0 if any_whole else max(bad, early if entered else 0)
                if lost and beginning:
                    source.remarks.add(
                        f"Its beginning is not whole: what cannot be shown is left out ({lost} pictures)."
                    )
                any_whole = True
                yield frame
        if wrong:
            end = packet.pts if not damage else end
            damage = damage or wrong
            bad += not any_whole
            # What lies before the first whole frame is the rest of a picture that was cut away.
            waiting = waiting if waiting is not None or not any_whole else []
        if packets_behind > TAIL:
            raise MediaError(
                f"expected whole frames, got damage ({damage[:80]}) on the way in {source.path}; copy it again, or "
                "take a part before or after it"
            )
    # The decoder held some back that belong before the damage; of those behind it nothing is known.
    yield from (frame for frame in waiting or [] if end is None or frame.pts is None or frame.pts < end)
    if damage and not any_whole:
        raise MediaError(f"expected frames that decode, got none ({damage[:80]}) in {source.path}; copy it again")
    if waiting is not None or source.missing:
        why = source.missing or damage[:80]
        source.remarks.add(f"The recording is cut short ({why}); it is read as far as it goes.")


def _jumps(before: Packet[VideoStream] | None, packet: Packet[VideoStream]) -> bool:
    """True if more time passes from one packet to the next than the first lasts."""
    if before is None or before.dts is None or packet.dts is None:
        return False
    lasts = before.duration or packet.duration or 0
    return lasts > 0 and 2 * (packet.dts - before.dts) > 3 * lasts


def _packets(source: Opened) -> Iterator[Packet[VideoStream]]:
    packets = source.container.demux(source.stream)
    return continuous(packets, source.container, source.stream, source.remarks)


def _decoder(source: Opened) -> VideoCodecContext:
    """The stream's own, or for VP8 and VP9 with transparency the one that hears it."""
    own = source.stream.codec_context
    name = _ALPHA.get(own.name)
    if name is None or source.stream.metadata.get("alpha_mode", source.stream.metadata.get("ALPHA_MODE")) != "1":
        return own
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.options = dict(own.options)
    decoder.extradata = own.extradata
    return decoder


def _sought(source: Opened, clock: Clock, start: Fraction, decoder: VideoCodecContext) -> Iterator[VideoFrame]:
    for moment in [max(start - retreat, Fraction(0)) for retreat in _RETREATS]:
        source.container.seek(clock.stamp(moment), stream=source.stream)
        decoder.flush_buffers()
        clock.sought()
        frames = decoded(_packets(source), decoder, source)
        first = next(frames, None)
        found = clock.moment(first) if first is not None else None
        if first is not None and found is not None and (found <= start or not moment):
            yield from chain([first], frames)
            return
    raise MediaError(
        f"expected {source.path} to show a picture at {float(start):g} s, got none by its index; "
        "write it anew: ffmpeg -i VIDEO -c copy new.mp4"
    )


def _ahead(
    packets: Iterator[Packet[VideoStream]], stamp: int, decoder: VideoCodecContext
) -> Iterator[Packet[VideoStream]]:
    """The packets from the last key frame at or before a time on."""
    kept: list[Packet[VideoStream]] = []
    found = False
    for packet in packets:
        when = packet.pts if packet.pts is not None else packet.dts
        if packet.is_keyframe and when is not None and when <= stamp:
            kept, found = [], True
        kept.append(packet)
        if when is None or when > stamp or not packet.size:
            break
    if found:
        decoder.flush_buffers()
    yield from chain(kept, packets)
