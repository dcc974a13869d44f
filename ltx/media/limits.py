"""Limits on what reading a video may cost, and the one exception that reading raises."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

MIN_SIDE = 8
MAX_PIXEL_ASPECT = 8


class MediaError(ValueError):
    """A video or picture that cannot be read; the message says what was expected, what came and what to do."""


class EndedError(MediaError):
    """A video that ends before the part that was asked for."""


@dataclass(frozen=True)
class Limits:
    """Upper bounds that hold while a file is decoded, so that a small hostile file cannot exhaust the machine.

    Args:
        pixels: of one picture, before any resizing (default: 8K).
        frames: decoded from one file, used or not.
        bytes: of the float video that is handed out.
        seconds: of wall time for one file.
    """

    pixels: int = 8192 * 4352
    frames: int = 20_000
    bytes: int = 4 * 2**30
    seconds: float = 120.0

    def check_size(self, path: Path, height: int, width: int) -> None:
        """Raise `MediaError` for pictures that are empty, too thin or too large."""
        if min(height, width) < MIN_SIDE or height * width > self.pixels:
            raise MediaError(
                f"expected pictures of at least {MIN_SIDE}×{MIN_SIDE} and at most {self.pixels} pixels, "
                f"got {width}×{height} in {path}; scale the video to a usual size"
            )


@dataclass
class Budget:
    """Consumption of the limits by one file."""

    limits: Limits
    path: Path
    frames: int = 0
    bytes: int = 0
    began: float = field(default_factory=time.monotonic)

    def decoded(self) -> None:
        """Count one decoded frame."""
        self.frames += 1
        if self.frames > self.limits.frames:
            raise MediaError(
                f"expected at most {self.limits.frames} frames, got more in {self.path}; cut out the part that matters"
            )
        if time.monotonic() - self.began > self.limits.seconds:
            raise MediaError(
                f"expected {self.path} to decode within {self.limits.seconds:g} s, got {self.frames} frames by then; "
                "cut out the part that matters or scale it down"
            )

    def kept(self, height: int, width: int) -> None:
        """Count one RGB frame kept as 32-bit floats."""
        self.bytes += height * width * 3 * 4
        if self.bytes > self.limits.bytes:
            raise MediaError(
                f"expected at most {self.limits.bytes / 2**20:.0f} MiB of decoded video, got more in {self.path}; "
                "ask for a smaller size or fewer frames"
            )


@contextmanager
def decoding(path: Path, *, picture: bool = False) -> Iterator[None]:
    """Turn whatever a decoder raises into `MediaError`, which speaks of a picture or of a video.

    PyAV raises seven unrelated types on damaged files (among them UnicodeDecodeError, IndexError and MemoryError),
    Pillow several more, so every exception is meant.
    """
    try:
        yield
    except MediaError:
        raise
    except PermissionError as error:
        raise MediaError(f"expected a readable file, got {error.strerror} for {path}; check its permissions") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        kind, usual = ("picture", "PNG") if picture else ("video", "MP4 (H.264)")
        raise MediaError(
            f"expected a {kind} that decodes, got {type(error).__name__} ({reason}) in {path}; "
            f"the file is damaged or of an unknown kind: copy it again, or convert it to {usual}"
        ) from error
