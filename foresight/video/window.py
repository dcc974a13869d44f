"""The part of a user's video that is observed and predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from foresight.video.clips import Clip, load_clip
from ltx.media.streams import StreamChoice


@dataclass(frozen=True)
class ClipWindow:
    """A context and a horizon in a video, at a model's size.

    Args:
        video: MP4, WebM, MOV, GIF or a folder of pictures.
        size: height and width the model works at, multiples of 32.
        context: observed part, frames or seconds ("1.0s").
        horizon: part to predict, frames or seconds.
        start: seconds into the file at which the context begins.
        stream: which of the file's videos, see `ltx.media.sample_video`.
    """

    video: str | Path
    size: Sequence[int]
    context: int | str
    horizon: int | str
    start: float = 0.0
    stream: StreamChoice = "default"

    def read(self, frame_rate: float) -> Clip:
        """The clip at a frame rate; see `load_clip`.

        Raises:
            MediaError: if the file cannot be read.
            UserError: if a length is wrong or the file is too short for the context.
        """
        return load_clip(
            self.video,
            frame_rate=frame_rate,
            size=self.size,
            context=self.context,
            horizon=self.horizon,
            start=self.start,
            stream=self.stream,
        )
