"""The ffmpeg command as an independent witness."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest


class Ffmpeg:
    """Makes files, and shows them as every player does."""

    def make(self, path: Path, *arguments: str, source: str = "testsrc2=size=96x64:rate=8:duration=4") -> Path:
        """A file from a generated picture."""
        self.run("-f", "lavfi", "-i", source, *arguments, str(path))
        return path

    def run(self, *arguments: str) -> None:
        """The command with these arguments."""
        done = subprocess.run(["ffmpeg", "-y", "-v", "error", "-nostdin", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def shown(
        self, path: Path, width: int, height: int, *, after: Sequence[str] = ("-fps_mode", "passthrough")
    ) -> np.ndarray:
        """The pictures as RGB bytes (frame, height, width, 3)."""
        command = [
            "ffmpeg",
            "-v",
            "quiet",
            "-nostdin",
            "-i",
            str(path),
            *after,
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-",
        ]
        done = subprocess.run(command, capture_output=True)
        return np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)

    def brightening(self, frames: int, *, rate: int = 8, first: int = 16, step: int = 4) -> str:
        """A source whose frame i is evenly grey, of luma first + step × i."""
        seconds = frames / rate
        return f"color=black:size=64x64:rate={rate}:duration={seconds},format=gray,geq=lum='{first}+N*{step}'"


@pytest.fixture
def ffmpeg() -> Ffmpeg:
    """The command, where it is installed."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs the ffmpeg command")
    return Ffmpeg()
