"""Frames of streams: files, folders that grow, addresses; gaps, and readers that are late."""

from __future__ import annotations

import socket
import threading
import time
from fractions import Fraction
from itertools import count
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from foresight.errors import UserError
from foresight.video.camera import Backlog, steady
from foresight.video.stream import growing
from foresight.watch import StreamFrame, stream_frames
from ltx.media import MediaError, MediaInfo, write_mp4
from ltx.media.frames import Picture

HOW = {"frame_rate": 8.0, "size": (32, 32), "patience": 0.4, "backlog": 100}


def grey(level: int) -> torch.Tensor:
    return torch.full((3, 32, 32), level / 127.5 - 1)


def arrival(number: int) -> StreamFrame:
    return StreamFrame(grey(number), float(number), number > 0)


def draw(folder: Path, number: int) -> None:
    Image.new("RGB", (32, 32), (number, number, number)).save(folder / f"{number}.png")


def levels(found) -> list[int]:
    return [round((float(one.frame.mean()) + 1) * 127.5) for one in found]


def test_a_file_is_taken_at_the_models_rate(tmp_path: Path) -> None:
    """16 frames a second become every second one, an eighth of a second apart; all but the first follow."""
    video = torch.stack([grey(10 * index) for index in range(12)], dim=1)
    write_mp4(tmp_path / "a.mp4", video, frame_rate=16, crf=0)
    found = list(stream_frames(str(tmp_path / "a.mp4"), **HOW))
    assert [one.seconds for one in found] == [index / 8 for index in range(6)]
    assert levels(found) == pytest.approx([0, 20, 40, 60, 80, 100], abs=2)
    assert [one.follows for one in found] == [False] + [True] * 5


def test_the_chosen_stream_is_watched(tmp_path: Path) -> None:
    """Of a file of two videos the one of the number; a folder of pictures is one."""
    with av.open(str(tmp_path / "two.mkv"), "w") as container:
        streams = [container.add_stream("ffv1", rate=8) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for stream, level in zip(streams, (60, 160), strict=True):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), level, np.uint8), format="rgb24")
            container.mux([*stream.encode(frame), *stream.encode()])
    for number, level in enumerate((60, 160)):
        assert levels(stream_frames(str(tmp_path / "two.mkv"), **HOW, stream=number)) == pytest.approx([level], abs=2)
    with pytest.raises(MediaError, match="it is one, number 0; got 1"):
        list(stream_frames(str(tmp_path), **HOW, stream=1))


def test_a_folder_is_watched_while_it_grows(tmp_path: Path) -> None:
    """Pictures that come later are taken in natural order, and watching ends when none has come for a while."""
    for number in (1, 2, 9):
        draw(tmp_path, number)

    def later() -> None:
        for number in (10, 11, 100):
            time.sleep(0.15)
            draw(tmp_path, number)

    thread = threading.Thread(target=later)
    thread.start()
    found = list(stream_frames(str(tmp_path), **HOW))
    thread.join()
    assert levels(found) == [1, 2, 9, 10, 11, 100]
    assert [one.seconds for one in found] == [index / 8 for index in range(6)]


def test_a_picture_that_is_still_being_written_is_waited_for(tmp_path: Path) -> None:
    """The newest file is not read before its size has stayed the same between two looks."""
    draw(tmp_path, 1)
    whole = (tmp_path / "1.png").read_bytes()
    (tmp_path / "2.png").write_bytes(whole[:20])
    threading.Timer(0.05, lambda: (tmp_path / "2.png").write_bytes(whole)).start()
    sizes = [file.stat().st_size for file in growing(tmp_path, 0.4)]
    assert sizes == [len(whole), len(whole)]


def test_an_address_is_read_to_its_end(tmp_path: Path) -> None:
    """An MPEG transport stream over a socket gives its frames; then the stream has ended, without an error."""
    path = tmp_path / "a.ts"
    with av.open(str(path), "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=8, options={"crf": "0", "g": "4"})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for level in range(0, 200, 10):
            pixels = np.full((64, 64, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(path.read_bytes())

    thread = threading.Thread(target=serve)
    thread.start()
    found = list(stream_frames(f"tcp://127.0.0.1:{server.getsockname()[1]}", **{**HOW, "patience": 5.0}))
    thread.join()
    server.close()
    assert 18 <= len(found) <= 20 and not found[0].follows and all(one.follows for one in found[1:])
    assert levels(found)[:18] == pytest.approx(range(0, 180, 10), abs=4)


def test_a_late_reader_goes_on_with_the_present() -> None:
    """Of ten frames in a queue for four the last two are left, and the first of them does not follow."""
    buffer = Backlog(4)
    buffer.fill(arrival(number) for number in range(10))
    found = list(buffer.drain())
    assert [one.seconds for one in found] == [8.0, 9.0]
    assert [one.follows for one in found] == [False, True]


def test_an_error_before_the_first_frame_is_raised_and_a_later_one_ends_the_stream() -> None:
    """A camera that is not there is a mistake; one that goes away has ended."""

    def broken(frames: int):
        yield from map(arrival, range(frames))
        raise MediaError("gone")

    at_once, later = Backlog(9), Backlog(9)
    at_once.fill(broken(0))
    later.fill(broken(2))
    with pytest.raises(MediaError, match="gone"):
        list(at_once.drain())
    assert len(list(later.drain())) == 2


def test_the_clock_starts_anew_where_pictures_stay_out() -> None:
    """Pictures at 0, ¼, ½ s and 10, 10¼ s give two steady pieces at 8 a second, not ten seconds of one picture."""
    info = MediaInfo(Path("camera"), "test", 32, 32, 4.0, 0, 0.0)

    def picture(level: int, start: Fraction) -> Picture:
        pixels = np.full((32, 32, 3), level, np.uint8)
        return Picture(start, start + Fraction(1, 4), Fraction(0), info, lambda height, width: pixels)

    starts = [Fraction(0), Fraction(1, 4), Fraction(1, 2), Fraction(10), Fraction(41, 4)]
    stream = (picture(level, start) for level, start in zip(count(10, 10), starts, strict=False))
    found = list(steady(stream, Fraction(8), (32, 32)))
    assert levels(found) == [10, 10, 20, 20, 40, 40]
    assert [one.follows for one in found] == [False, True, True, True, False, True]
    assert found[4].seconds == 10.0


@pytest.mark.parametrize("video", ["", "  ", "nothing.mp4", "tcp://127.0.0.1:9"])
def test_what_cannot_be_read_is_one_kind_of_error(video: str) -> None:
    """An empty name, a file that is not there, an address where nobody answers."""
    with pytest.raises((UserError, MediaError)) as caught:
        list(stream_frames(video, **HOW))
    assert "\n" not in str(caught.value)


def test_an_empty_folder_ends(tmp_path: Path) -> None:
    """A folder in which no picture comes has no frames."""
    assert list(stream_frames(str(tmp_path), **HOW)) == []
