"""Clips of a folder of videos, listed with their instructions in a table beside them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.data.account import counted, cropped, named, resampled
from foresight.data.batch import ClipBatch
from foresight.data.split import split_rows
from foresight.data.table import ListedClip, listed
from foresight.data.windows import SMALL, cut, stride
from foresight.errors import UserError
from foresight.reproducibility.fingerprint import fingerprint
from foresight.world.reference import digest
from ltx.media import EndedError, MediaError, probe, sample_video
from ltx.media.streams import StreamChoice
from ltx.shapes import VideoShape

FAULTS = ("short", "damaged", "missing")
"""What may be wrong with a row's video."""


class VideoClips:
    """Clips cut from video files.

    The folder holds the videos and `metadata.jsonl` (or .csv, .tsv, .json), as folders of videos on the Hugging Face
    hub do: one row per clip with `file_name` (from the folder, absolute, or from the home after `~/`), `instruction`
    (empty where nothing is told) and, for a clip that does not begin with its file, `start` in seconds. Several rows
    may name one file. Frames are read as `foresight predict` reads them: at a regular rate, scaled to cover the size,
    and cropped to the middle.

    Args:
        folder: of the videos and the table.
        split: which part of it: "train", "validation" or "calibration", see `split_rows`; None is all of it.
        every: cut each row's video into clips this far apart, from its start to the end of the file: seconds ("2s"),
            frames of a clip (16), or "scenes" for clips side by side that cross no cut. None is one clip per row.
        frames: of a clip, 8k+1.
        frame_rate: frames per second of the clips, whatever that of the files.
        size: height and width, multiples of 32.
        skip: which rows are left out, with a warning that names them, instead of refused: those whose video ends before
            the clip does ("short"), cannot be read ("damaged") or is not there ("missing"). To know, every clip is then
            read once before anything else.
        stream: which of a file's videos is taken where its row does not say, see `ltx.media.sample_video`; None is
            "default".

    Raises:
        ValueError: if frames or size are not those of a clip, or a word of `skip` is none of these.
        UserError: if `every` is no stride.
    """

    _reference = False
    """Whether the `reference` videos of the rows are read, from the same moments on, in the place of their own."""

    def __init__(
        self,
        *,
        folder: str | Path,
        frames: int,
        frame_rate: float,
        size: Sequence[int],
        split: str | None = None,
        every: str | int | None = None,
        skip: Sequence[str] = (),
        stream: StreamChoice | None = None,
    ) -> None:
        height, width = size
        if isinstance(skip, str) or not set(skip) <= set(FAULTS):
            raise ValueError(f"expected skip to be a list out of {', '.join(FAULTS)}; got {skip!r}")
        self._skip = frozenset(skip)
        self._said: set[str] = set()
        VideoShape(frames, height, width)
        self._frames, self._frame_rate, self._size = frames, frame_rate, (height, width)
        self._folder = Path(folder)
        self._split, self._every = split, every
        self._stream: StreamChoice = "default" if stream is None else stream
        if every is not None:
            stride(every, frame_rate)
        self._told: list[str] = []

    @cached_property
    def clips(self) -> list[ListedClip]:
        """The clips, without those that are left out; the table is read when they are first asked for.

        Raises:
            UserError: if there is no table, a row of it is not complete, or all are left out.
        """
        rows, divided = (
            (listed(self._folder, self._stream), "")
            if self._split is None
            else split_rows(self._folder, self._split, self._stream)
        )
        self._told = [divided] if divided else []
        if self._every is not None:
            rows = self._windows(rows, self._every)
        if self._reference:
            rows = [_shown(clip, self._stream) for clip in rows]
        return self._usable(rows) if self._skip else rows

    def _windows(self, rows: list[ListedClip], every: str | int) -> list[ListedClip]:
        """The rows cut into clips; files that are too short for one are left out, and counted."""
        found = cut(rows, every=every, frames=self._frames, frame_rate=self._frame_rate)
        if not found.clips:
            raise UserError(
                expected=f"a video of more than {self._seconds:.3g} s in {self._folder}",
                got=f"{counted(len(found.short), 'file')}, all shorter: {named(found.short)}",
                remedy="bring longer videos, or take shorter clips (ltx.clip)",
            )
        files = {row.path for row in rows}
        short = f"; {counted(len(found.short), 'file')} too short ({named(found.short)})" if found.short else ""
        self._told.append(f"{counted(len(files), 'file')}, {counted(len(found.clips), 'clip')} by {found.how}{short}")
        return found.clips

    def account(self) -> list[str]:
        """Account of the videos, a line each: clips, cropping, rate, and what is left out."""
        self.prepare()
        infos = {clip.path: probe(clip.path, stream=clip.stream) for clip in {c.path: c for c in self.clips}.values()}
        lines = list(self._told)
        if self._every is None:
            lines.append(f"{counted(len(infos), 'file')}, {counted(len(self.clips), 'clip')}")
        return [*lines, *filter(None, (cropped(infos, self._size), resampled(infos, self._frame_rate)))]

    def _usable(self, rows: list[ListedClip]) -> list[ListedClip]:
        """The rows without those that are to be left out."""
        faults = [self._fault(clip) for clip in rows]
        left_out = [words for fault, words in faults if fault in self._skip]
        if len(left_out) == len(rows):
            raise UserError(
                expected=f"a clip that can be used in {self._folder}",
                got=f"{len(rows)} that cannot: {left_out[0]}",
                remedy="mend the files or the table",
            )
        if left_out:
            self._told.append(f"left out: {len(left_out)} of {counted(len(rows), 'clip')}")
            warnings.warn(f"{len(left_out)} of {len(rows)} clips are left out: {_first(left_out)}", stacklevel=2)
        return [clip for clip, (fault, _) in zip(rows, faults, strict=True) if fault not in self._skip]

    def prepare(self) -> None:
        """Look into every file, so that one that cannot be used is found before any is encoded.

        Raises:
            UserError: naming the first few files that are missing, unreadable or too short.
        """
        if wrong := self._troubles:
            raise UserError(
                expected=f"{len(self.clips)} readable clips of {self._seconds:.3g} s",
                got=f"{len(wrong)} that are not: {_first(wrong)}",
                remedy=f"mend these files, take their rows out of the table, or give clips.skip=[{','.join(FAULTS)}]",
            )

    def recipe(self) -> dict[str, Any]:
        """Content of the files, what the table says of them, and how frames are read."""
        self.prepare()
        rows = [list(_content(clip).values()) for clip in self.clips]
        return {"videos": rows, "frames": self._frames, "frame_rate": self._frame_rate, "size": list(self._size)}

    def row_recipes(self) -> list[Any]:
        """The same of each clip by itself."""
        self.prepare()
        how = {"frames": self._frames, "frame_rate": self._frame_rate, "size": list(self._size)}
        return [how | _content(clip) for clip in self.clips]

    @property
    def shape(self) -> VideoShape:
        """Of every clip."""
        return VideoShape(self._frames, *self._size)

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self._frame_rate

    @property
    def instructions(self) -> tuple[str, ...]:
        """Instruction of each clip."""
        return tuple(clip.instruction for clip in self.clips)

    @cached_property
    def files(self) -> tuple[int, ...]:
        """Number of each clip's file, in the order of the table."""
        numbers: dict[Path, int] = {}
        return tuple(numbers.setdefault(clip.path.resolve(), len(numbers)) for clip in self.clips)

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
            video=torch.stack([self._read(clip, self._size) for clip in clips]),
            instructions=tuple(clip.instruction for clip in clips),
            frame_rate=self._frame_rate,
            seeds=tuple(_seed(clip) for clip in clips),
        )

    @cached_property
    def _troubles(self) -> list[str]:
        return [trouble for clip in self.clips if (trouble := self._trouble(clip))]

    @property
    def _seconds(self) -> float:
        """From the first frame to the last."""
        return (self._frames - 1) / self._frame_rate

    def _trouble(self, clip: ListedClip) -> str:
        """Fault of a clip, by its header if that says how long the video is; else by reading it."""
        try:
            found = probe(clip.path, stream=clip.stream)
        except MediaError as error:
            return f"{clip.where}: {error}"
        end = clip.start + self._seconds
        if found.duration == 0:
            return self._fault(clip)[1]
        if found.duration < end:
            return f"{clip.where}: {clip.path} ends at {found.duration:.3g} s, the clip at {end:.3g} s"
        return ""

    def _fault(self, clip: ListedClip) -> tuple[str, str]:
        """Fault of a clip, in a word of `FAULTS` and in full, by reading it; empty if there is none."""
        try:
            self._read(clip, SMALL)
        except EndedError as error:
            return "short", f"{clip.where}: {error}"
        except MediaError as error:
            return "damaged" if clip.path.exists() else "missing", f"{clip.where}: {error}"
        except UserError as error:
            return "short", str(error)
        return "", ""

    def _read(self, clip: ListedClip, size: tuple[int, int]) -> Float[Tensor, "rgb=3 frame height width"]:
        footage = sample_video(
            clip.path,
            frame_rate=self._frame_rate,
            frames=self._frames,
            size=size,
            start=clip.start,
            stream=clip.stream,
        )
        if footage.video.shape[1] < self._frames:
            raise UserError(
                expected=f"{self._frames} frames at {self._frame_rate:g} per second from {clip.start:g} s on "
                f"for {clip.where}",
                got=f"{footage.video.shape[1]} in {clip.path}",
                remedy="take a longer video or an earlier start, or take the row out of the table",
            )
        for remark in footage.remarks:
            if remark not in self._said:
                self._said.add(remark)
                warnings.warn(f"{clip.path}: {remark} Others may be like it; this is said once.", stacklevel=2)
        return footage.video


def _seed(clip: ListedClip) -> int:
    """Seed of a clip, from its content rather than its place in the table."""
    return int(fingerprint(_content(clip))[:12], 16)


def _content(clip: ListedClip) -> dict[str, Any]:
    """Content of a clip; a chosen stream counts where the file does not decide."""
    stream = {} if clip.stream == "default" else {"stream": clip.stream}
    return {"video": digest(clip.path), "told": clip.instruction, "start": clip.start} | stream


def _shown(clip: ListedClip, stream: StreamChoice) -> ListedClip:
    """The reference video of a row as its clip."""
    if clip.reference is None:
        raise UserError(
            expected=f"a reference video for {clip.where}",
            got="none",
            remedy="name it in the column reference of the table; experiment=lora needs none",
        )
    return replace(clip, path=clip.reference, stream=stream)


def _first(words: Sequence[str]) -> str:
    more = f" and {len(words) - 3} more" if len(words) > 3 else ""
    return f"{'; '.join(words[:3])}{more}"
