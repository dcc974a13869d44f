"""What the first bytes say."""

from __future__ import annotations

import pytest

from ltx.media.recognise import no_video

PICTURE, SOUND, ARCHIVE = "a single picture", "sound without pictures", "an archive"
BITMAP = b"BM\x36\x10\0\0\0\0\0\0\x36\0\0\0"


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"RIFF\0\0\0\0WAVEfmt ", SOUND),
        (b"RIFF\0\0\0\0AVI LIST", None),
        (b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\2", PICTURE),
        (b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0", PICTURE),
        (b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\2\0", None),
        (b"JUNK\0\0\0\0WAVEfmt ", None),
        (b"JUNK\0\0\0\0WEBPVP8 \0\0\0\0\2", None),
        (b"\x89PNG\r\n\x1a\n....IHDR", PICTURE),
        (b"\x89PNG\r\n\x1a\n....IHDR....acTL", None),
        (b"ordinary text with acTL", None),
        (BITMAP + b"\x28\0\0\0", PICTURE),
        (BITMAP + b"\x7c\0\0\0", PICTURE),
        (BITMAP + b"\x29\0\0\0", None),
        (BITMAP.replace(b"\x10\0\0\0\0\0\0", b"\x10\0\0\1\0\0\0") + b"\x28\0\0\0", None),
        (b"XX" + BITMAP[2:] + b"\x28\0\0\0", None),
        (b"\0\0\0\x18ftypheic", PICTURE),
        (b"\0\0\0\x18ftypisom", None),
        (b"\0\0\0\x18moovheic", None),
        (bytes(257) + b"ustar", ARCHIVE),
        (b'<?xml version="1.0"?><svg>', None),
        (b"text with <MPD", None),
        (b"<html>", "a web page"),
        (b"\x1a\x45\xdf\xa3", None),
    ],
)
def test_what_a_file_is(head: bytes, what: str | None) -> None:
    """Pictures, sound and archives are told from videos of the same family of formats."""
    told = no_video(head)
    assert (None if told is None else told[0]) == what
