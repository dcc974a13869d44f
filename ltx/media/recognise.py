"""Recognise files that are no video by their first bytes, with what to do about each."""

from __future__ import annotations

import re

HEAD = 65536
"""Bytes to look at."""

_PICTURE = "a single picture", "name a video, or a folder of pictures"
_SOUND = "sound without pictures", "name a video"
_ARCHIVE = "an archive", "unpack it and name a video in it"
_PLAYLIST = "a playlist, which names other files", "join them: ffmpeg -i PLAYLIST -c copy video.mp4"

# At the first byte.
_STARTS: tuple[tuple[bytes, tuple[str, str]], ...] = (
    (b"#EXTM3U", _PLAYLIST),
    (b"ffconcat version", _PLAYLIST),
    (b"[playlist]", _PLAYLIST),
    (b"<MPD", _PLAYLIST),
    (b"version https://git-lfs", ("a pointer of Git LFS and not the file itself", "fetch it with git lfs pull")),
    (b"\xff\xd8\xff", _PICTURE),
    (b"II*\0", _PICTURE),
    (b"MM\0*", _PICTURE),
    (b"v/1\x01", _PICTURE),
    (b"ID3", _SOUND),
    (b"fLaC", _SOUND),
    (b"\xff\xfb", _SOUND),
    (b"\xff\xf3", _SOUND),
    (b"PK\x03\x04", _ARCHIVE),
    (b"Rar!", _ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", _ARCHIVE),
    (b"\x1f\x8b", _ARCHIVE),
    (b"\xfd7zXZ", _ARCHIVE),
    (b"\x28\xb5\x2f\xfd", _ARCHIVE),
    (b"%PDF", ("a PDF", "name a video")),
    (b"\x89HDF", ("an HDF5 file", "write its pictures into a folder as PNG and name that")),
    (b"\x93NUMPY", ("a NumPy array", "write its pictures into a folder as PNG and name that")),
    (b"#ROSBAG", ("a ROS bag", "write its pictures into a folder as PNG and name that")),
    (b"\x89MCAP", ("a ROS bag", "write its pictures into a folder as PNG and name that")),
)
_STILL_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif"}


def no_video(head: bytes) -> tuple[str, str] | None:
    """The kind of a file by its first bytes, and what to do about it; None if it may be a video."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for start, kind in _STARTS:
        if text.startswith(start):
            return kind
    if re.match(rb"<!doctype html|<html", text, re.IGNORECASE):
        return "a web page", "download the video itself"
    if text.startswith(b"<?xml") and b"<MPD" in head:
        return _PLAYLIST
    if head.startswith(b"\x89PNG") and b"acTL" not in head:
        return _PICTURE
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0" and head[14:15] in b"\x0c\x28\x38\x6c\x7c":
        return _PICTURE
    if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS:
        return _PICTURE
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP" and not (head[12:16] == b"VP8X" and head[20] & 2):
        return _PICTURE
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return _SOUND
    if head[257:262] == b"ustar":
        return _ARCHIVE
    return None
