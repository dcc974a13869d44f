"""Whether files end where they say, byte by byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltx.media.limits import MediaError
from ltx.media.remarks import Remarks
from ltx.media.whole import check_file


def box(kind: bytes, size: int) -> bytes:
    """A box of ISO/IEC 14496-12 of so many bytes in all."""
    return size.to_bytes(4, "big") + kind + bytes(size - 8)


def checked(folder: Path, content: bytes) -> tuple[str, list[str]]:
    """What shows that it is cut, and what is said."""
    path, remarks = folder / "a.mp4", Remarks()
    path.write_bytes(content)
    return check_file(path, remarks), list(remarks)


HEAD = box(b"ftyp", 16) + box(b"moov", 12)
LARGE = (1).to_bytes(4, "big") + b"mdat" + (24).to_bytes(8, "big") + bytes(8)


@pytest.mark.parametrize(
    ("content", "missing"),
    [
        (HEAD, ""),
        (HEAD + box(b"mdat", 20), ""),
        (HEAD + box(b"mdat", 20)[:-1], "48 bytes announced, 47 there"),
        (HEAD + LARGE, ""),
        (HEAD + LARGE[:-3], "52 bytes announced, 49 there"),
        (HEAD + box(b"mdat", 8), ""),
        (HEAD + (7).to_bytes(4, "big") + b"mdat", "a damaged mdat box"),
        # To the end of the file, however long that is.
        (HEAD + (0).to_bytes(4, "big") + b"mdat" + bytes(50), ""),
        (box(b"ftyp", 16) + (0).to_bytes(4, "big") + b"moov" + bytes(9), ""),
        # Fewer bytes than a box has, or none of a box, are no box.
        (HEAD + b"\0\0\0\x30mda", ""),
        (HEAD + bytes(40), ""),
    ],
)
def test_boxes_end_with_the_file(content: bytes, missing: str, tmp_path: Path) -> None:
    """The last one is as long as it says, in four bytes or in eight, or as the file."""
    assert checked(tmp_path, content) == (missing, [])


@pytest.mark.parametrize("content", [box(b"ftyp", 16), box(b"ftyp", 16) + box(b"moov", 40)[:-1]])
def test_a_video_without_its_whole_index_is_refused(content: bytes, tmp_path: Path) -> None:
    """It is not there, or is cut itself."""
    with pytest.raises(MediaError, match=r"its index \(moov box\) is not there or not whole"):
        checked(tmp_path, content)


def test_several_videos_in_one_are_said(tmp_path: Path) -> None:
    """Two indices are two; one is not."""
    assert checked(tmp_path, HEAD + HEAD)[1] == [
        "The file is several videos put end to end, of which only the first is read."
    ]


@pytest.mark.parametrize(("told", "missing"), [(12, ""), (11, ""), (13, "21 bytes announced, 20 there")])
def test_a_riff_tells_its_length(told: int, missing: str, tmp_path: Path) -> None:
    """Eight bytes beyond what it counts."""
    assert checked(tmp_path, b"RIFF" + told.to_bytes(4, "little") + b"AVI " + bytes(8)) == (missing, [])


START, SEGMENT, CLUSTER = b"\x1a\x45\xdf\xa3\x82\0\0", b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"
LIVE = "It was never closed, as while it is being recorded: it is read as far as it goes."


@pytest.mark.parametrize(
    ("content", "missing", "said"),
    [
        (START + SEGMENT + b"\x84" + bytes(4), "", []),
        (START + SEGMENT + b"\x84" + bytes(3), "16 bytes announced, 15 there", []),
        # In two bytes: 0x4004 is 4.
        (START + SEGMENT + b"\x40\x04" + bytes(4), "", []),
        (START + SEGMENT + b"\x40\x05" + bytes(4), "18 bytes announced, 17 there", []),
        # All ones is unknown: elements to the end.
        (START + SEGMENT + b"\xff", "", [LIVE]),
        (START + SEGMENT + b"\xff\xec\x82\0\0", "", [LIVE]),
        (START + SEGMENT + b"\xff\xec\x82\0", "its last block is not whole", []),
        (START + SEGMENT + b"\xff" + CLUSTER + b"\xff\xa3\x81\0", "", [LIVE]),
        (START + SEGMENT + b"\xff" + CLUSTER + b"\xff\xa3\x82\0", "its last block is not whole", []),
        (START + SEGMENT + b"\xff\xec\xff\0", "its last block is not whole", []),
        (START + SEGMENT + b"\xff" + bytes(9), "its last block is not whole", []),
        (START + SEGMENT + b"\xff" + CLUSTER[:3], "its last block is not whole", []),
        # No segment, or a head of unknown length: nothing is known.
        (START + b"\x11\x22\x33\x44\x84", "", []),
        (b"\x1a\x45\xdf\xa3\xff" + SEGMENT + b"\x84", "", []),
    ],
)
def test_a_matroska_file_ends_with_an_element(content: bytes, missing: str, said: list[str], tmp_path: Path) -> None:
    """RFC 8794: sizes of any width, or unknown while it is recorded."""
    assert checked(tmp_path, content) == (missing, said)
