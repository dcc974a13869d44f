"""Clips of a folder of videos, listed with their instructions in a table beside them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.data.batch import ClipBatch
from foresight.data.cache import file_digest
from foresight.data.table import ListedClip, listed
from foresight.errors import UserError
from ltx.media import MediaError, probe, sample_video
from ltx.shapes import VideoShape


class VideoClips:
    """Clips cut from video files.

    The folder holds the videos and `metadata.jsonl` (or .csv, .tsv, .json), as folders of videos on the Hugging Face
    hub do: one row per clip with `file_name` (from the folder, absolute, or from the home after `~/`), `instruction`
    (empty where nothing is told) and, for a clip that does not begin with its file, `start` in seconds. Several rows
    may name one file. Frames are read as `foresight predict` reads them: at a regular rate, scaled to cover the size,
    and cropped to the middle.

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
            return f"{clip.where}: {error}"
        end = clip.start + self._seconds
        if 0 < found.duration < end:
            return f"{clip.where}: {clip.path} ends at {found.duration:.3g} s, the clip at {end:.3g} s"
        return ""

    def _read(self, clip: ListedClip) -> Float[Tensor, "rgb=3 frame height width"]:
        footage = sample_video(
            clip.path, frame_rate=self._frame_rate, frames=self._frames, size=self._size, start=clip.start
        )
        if footage.video.shape[1] < self._frames:
            raise UserError(
                expected=f"{self._frames} frames at {self._frame_rate:g} per second from {clip.start:g} s on "
                f"for {clip.where}",
                got=f"{footage.video.shape[1]} in {clip.path}",
                remedy="take a longer video or an earlier start, or take the row out of the table",
            )
        return footage.video
