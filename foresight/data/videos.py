"""Clips of a folder of videos, listed with their instructions in a table beside them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.data.batch import ClipBatch
from foresight.data.cache import file_digest
from foresight.errors import UserError
from ltx.media import MediaError, probe, sample_video
from ltx.shapes import VideoShape

TABLES = ("metadata.jsonl", "metadata.csv")
COLUMNS = "file_name, instruction and, if a clip does not begin with its file, start"


@dataclass(frozen=True)
class ListedClip:
    """A row of the table.

    Args:
        path: of the video.
        instruction: what is done in the clip.
        start: seconds into the video.
    """

    path: Path
    instruction: str
    start: float


class VideoClips:
    """Clips cut from video files.

    The folder holds the videos and `metadata.jsonl` or `metadata.csv`, as folders of videos on the Hugging Face hub do:
    one row per clip with `file_name` (relative to the folder), `instruction` (empty where nothing is told) and, for a
    clip that does not begin with its file, `start` in seconds. Several rows may name one file. Frames are read as
    `foresight predict` reads them: at a regular rate, scaled to cover the size, and cropped to the middle.

    Args:
        folder: of the videos and the table.
        frames: of a clip, 8k+1.
        frame_rate: frames per second of the clips, whatever that of the files.
        size: height and width, multiples of 32.

    Raises:
        ValueError: if frames or size are not those of a clip.
    """

    def __init__(self, *, folder: str, frames: int, frame_rate: float, size: Sequence[int]) -> None:
        height, width = size
        VideoShape(frames, height, width)
        self._frames, self._frame_rate, self._size = frames, frame_rate, (height, width)
        self._folder = Path(folder)

    @cached_property
    def clips(self) -> list[ListedClip]:
        """The rows of the table, read when they are first asked for.

        Raises:
            UserError: if there is no table, or a row of it is not complete.
        """
        return listed(self._folder)

    def prepare(self) -> None:
        """Look into every file, so that one that cannot be used is found before any is encoded.

        Raises:
            UserError: naming the first few files that are missing, unreadable or, by their header, too short.
        """
        if wrong := self._troubles:
            more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
            raise UserError(
                expected=f"{len(self.clips)} readable clips of {self._seconds:.3g} s",
                got=f"{len(wrong)} that are not: {'; '.join(wrong[:3])}{more}",
                remedy="mend or replace these files, or take their rows out of the table",
            )

    def recipe(self) -> dict[str, Any]:
        """Content of the files, what the table says of them, and how frames are read."""
        rows = [[self._digests[clip.path], clip.instruction, clip.start] for clip in self.clips]
        return {"videos": rows, "frames": self._frames, "frame_rate": self._frame_rate, "size": list(self._size)}

    @property
    def instructions(self) -> tuple[str, ...]:
        """What is told in each clip."""
        return tuple(clip.instruction for clip in self.clips)

    def __len__(self) -> int:
        return len(self.clips)

    def __getitems__(self, indices: Sequence[int]) -> ClipBatch:
        """The clips of the given rows.

        Raises:
            UserError: if a video ends before its clip does.
            MediaError: if a video cannot be read.
        """
        clips = [self.clips[int(index)] for index in indices]
        return ClipBatch(
            video=torch.stack([self._read(clip) for clip in clips]),
            instructions=tuple(clip.instruction for clip in clips),
            frame_rate=self._frame_rate,
            seeds=tuple(int(index) for index in indices),
        )

    @cached_property
    def _troubles(self) -> list[str]:
        return [trouble for clip in self.clips if (trouble := self._trouble(clip))]

    @cached_property
    def _digests(self) -> dict[Path, str]:
        self.prepare()
        return {path: file_digest(path) for path in sorted({clip.path for clip in self.clips})}

    @property
    def _seconds(self) -> float:
        """From the first frame to the last."""
        return (self._frames - 1) / self._frame_rate

    def _trouble(self, clip: ListedClip) -> str:
        try:
            found = probe(clip.path)
        except MediaError as error:
            return str(error)
        if 0 < found.duration < clip.start + self._seconds:
            return f"{clip.path} ends at {found.duration:.3g} s, the clip at {clip.start + self._seconds:.3g} s"
        return ""

    def _read(self, clip: ListedClip) -> Float[Tensor, "rgb=3 frame height width"]:
        footage = sample_video(
            clip.path, frame_rate=self._frame_rate, frames=self._frames, size=self._size, start=clip.start
        )
        if footage.video.shape[1] < self._frames:
            raise UserError(
                expected=f"{self._frames} frames at {self._frame_rate:g} per second from {clip.start:g} s on",
                got=f"{footage.video.shape[1]} in {clip.path}",
                remedy="take a longer video or an earlier start, or take the row out of the table",
            )
        return footage.video


def listed(folder: Path) -> list[ListedClip]:
    """The rows of a folder's table.

    Raises:
        UserError: if there is none, it is empty, or a row lacks something.
    """
    tables = [folder / name for name in TABLES if (folder / name).is_file()]
    if len(tables) != 1:
        raise UserError(
            expected=f"one table, {' or '.join(TABLES)}, in {folder}",
            got=", ".join(table.name for table in tables) or "none",
            remedy=f"write a row per clip with {COLUMNS}",
        )
    clips = [_clip(folder, row, f"row {number} of {tables[0]}") for number, row in enumerate(_rows(tables[0]), 1)]
    if not clips:
        raise UserError(expected=f"at least one row in {tables[0]}", got="none", remedy="write a row per clip")
    return clips


def _rows(table: Path) -> list[Any]:
    try:
        with table.open(encoding="utf-8", newline="") as file:
            if table.suffix == ".csv":
                return list(csv.DictReader(file))
            return [json.loads(line) for line in file if line.strip()]
    except (OSError, UnicodeDecodeError, csv.Error, json.JSONDecodeError) as error:
        raise UserError(
            expected=f"a table in {table}", got=f"{type(error).__name__}: {error}", remedy="mend the file"
        ) from error


def _clip(folder: Path, row: Any, where: str) -> ListedClip:
    try:
        name, instruction, start = row["file_name"], row["instruction"], float(row.get("start") or 0)
        if not (isinstance(name, str) and name and isinstance(instruction, str) and 0 <= start < float("inf")):
            raise ValueError(str(row))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            expected=f"{COLUMNS} in {where}", got=f"{type(error).__name__}: {error}", remedy="mend the row"
        ) from error
    return ListedClip(folder / name, instruction, start)
