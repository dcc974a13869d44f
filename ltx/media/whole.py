"""Check that a file is there, and ends where its container says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from ltx.media.limits import MediaError
from ltx.media.recognise import HEAD, no_video
from ltx.media.remarks import Remarks

_FIRST = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp", b"moof"}
_BOXES = _FIRST | {b"mfra", b"sidx", b"uuid", b"meta", b"udta", b"emsg"}
_SEGMENT, _CLUSTER = b"\x18\x53\x80\x67", 0x1F43B675


def check_file(path: Path, remarks: Remarks) -> str:
    """Evidence that a video was cut short, in words; empty if there is none.

    Raises:
        MediaError: unless `path` is a regular file that may be a video with something to play in it.
    """
    if not path.exists():
        raise MediaError(f"expected a video file or a folder of pictures, got nothing at {path}; check the path")
    if not path.is_file():
        raise MediaError(f"expected a regular file, got {path}; copy the video into a file first")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            other = no_video(file.read(HEAD))
            missing = "" if other else _missing_bytes(file, size, path, remarks)
    except OSError as error:
        raise MediaError(f"expected a readable file, got {error.strerror} for {path}; check its permissions") from error
    if other:
        raise MediaError(f"expected a video, got {path}, which is {other[0]}; {other[1]}")
    return missing


def _missing_bytes(file: BinaryIO, size: int, path: Path, remarks: Remarks) -> str:
    if size == 0:
        raise MediaError(f"expected a video, got {path}, which is empty; copy or download it again")
    file.seek(0)
    start = file.read(12)
    if start[4:8] in _FIRST:
        return _missing_boxes(file, size, path, remarks)
    if start[:4] == b"\x1a\x45\xdf\xa3":
        return _missing_segment(file, size, remarks)
    if start[:4] == b"RIFF" and (stated := int.from_bytes(start[4:8], "little") + 8) > size:
        return _short(stated, size)
    return ""


def _short(stated: int, size: int) -> str:
    return f"{stated} bytes announced, {size} there"


def _missing_boxes(file: BinaryIO, size: int, path: Path, remarks: Remarks) -> str:
    """ISO/IEC 14496-12, 4.2: a file is a row of boxes, each with its size; a playable one has a `moov` box."""
    position, kinds, missing = 0, [], ""
    while position + 8 <= size:
        file.seek(position)
        length, kind = int.from_bytes(file.read(4), "big"), file.read(4)
        if not kind.isalnum():
            break
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        if length < 8 and length != 0:
            missing = f"a damaged {kind.decode()} box"
            break
        if kind not in _BOXES and position + length > size and b"moov" in kinds:
            remarks.add("What follows its last part is none of the video, and is not read.")
            break
        position += length or size
        if kind == b"moov" and length and position > size:
            break
        kinds.append(kind)
        if length == 0:
            break
    if b"moov" not in kinds:
        raise MediaError(
            f"expected a video that can be played, got {path}, which is cut short: its index (moov box) is not "
            "there or not whole; copy or download it again, or recover it with the recorder's own tool"
        )
    if kinds.count(b"moov") > 1:
        remarks.add("The file is several videos put end to end, of which only the first is read.")
    return missing or (_short(position, size) if position > size and length else "")


def _missing_segment(file: BinaryIO, size: int, remarks: Remarks) -> str:
    """RFC 8794: EBML header, then one Segment element; each is an identifier, a size and data."""
    file.seek(4)
    head = _ebml_size(file)
    if head is None:
        return ""
    file.seek(head, os.SEEK_CUR)
    if file.read(4) != _SEGMENT:
        return ""
    body = _ebml_size(file)
    if body is not None:
        end = file.tell() + body
        return _short(end, size) if end > size else ""
    if not _ends_whole(file, size):
        return "its last block is not whole"
    remarks.add("It was never closed, as while it is being recorded: it is read as far as it goes.")
    return ""


def _ends_whole(file: BinaryIO, size: int) -> bool:
    """True if a row of elements ends with one of them; clusters of unknown size are looked into."""
    while file.tell() < size:
        kind, length = _ebml_number(file, marked=True), _ebml_size(file)
        if kind is None or (length is None and kind != _CLUSTER) or file.tell() + (length or 0) > size:
            return False
        file.seek(length or 0, os.SEEK_CUR)
    return True


def _ebml_size(file: BinaryIO) -> int | None:
    """A variable-length size; all ones is unknown."""
    start = file.tell()
    value = _ebml_number(file, marked=False)
    return None if value is None or value == (1 << 7 * (file.tell() - start)) - 1 else value


def _ebml_number(file: BinaryIO, *, marked: bool) -> int | None:
    """A number whose first byte's leading zeros count the bytes that follow; None if it is cut or none.

    Args:
        file: at its first byte.
        marked: keep the bit that ends the zeros, as identifiers do.
    """
    first = file.read(1)
    if not first or not first[0]:
        return None
    extra = 8 - first[0].bit_length()
    rest = file.read(extra)
    if len(rest) < extra:
        return None
    return int.from_bytes((first if marked else bytes([first[0] & (0x7F >> extra)])) + rest, "big")
