"""The clips that an adapter was trained on, written beside its weights: what it may be asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from foresight.errors import UserError
from ltx.files import write_text

TRAINING = "training.json"
"""Beside an adapter's weights: which clips it was trained on, see `TrainingClips`."""


@dataclass(frozen=True)
class TrainingClips:
    """The clips that an adapter was trained on, and the models it was trained between.

    Args:
        frame_rate: frames per second.
        frames: of a clip, 8k+1.
        height: in pixels; 0 where nobody knows.
        width: likewise.
        context_frames: how many of the first frames were given, 8k+1.
        models: where `ltx`, `text` and `vlm` were read from.
    """

    frame_rate: float
    frames: int
    height: int
    width: int
    context_frames: int
    models: Mapping[str, str] = field(default_factory=dict)

    def save(self, folder: str | Path) -> None:
        """Write `training.json` into a folder."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        write_text(Path(folder, TRAINING), json.dumps(values | {"models": dict(self.models)}, indent=2) + "\n")

    @classmethod
    def read(cls, folder: str | Path) -> TrainingClips | None:
        """Record that `save` wrote; None without one.

        Raises:
            UserError: if the file is damaged.
        """
        path = Path(folder, TRAINING)
        if not path.is_file():
            return None
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise UserError(
                expected=f"a record of training clips in {path}",
                got=str(error).splitlines()[0],
                remedy="delete the file and say frame_rate, context_frames and chunk_frames yourself",
            ) from error


def clips_of(adapter: str | Path | None, fallback: Mapping[str, Any]) -> TrainingClips:
    """The clips that an adapter was trained on, or those that are said.

    Args:
        adapter: its folder.
        fallback: fields of `TrainingClips`, for adapters that nobody wrote them for.

    Raises:
        UserError: if neither knows a field.
    """
    known = None if adapter is None else TrainingClips.read(adapter)
    if known is not None:
        return known
    missing = [name for name in ("frame_rate", "frames", "context_frames") if fallback.get(name) is None]
    if missing:
        raise UserError(
            expected="an adapter that says which clips it was trained on, or the lengths of a prediction",
            got="neither" if adapter is None else f"{adapter} without {TRAINING}",
            remedy="give frame_rate, context_frames and chunk_frames of the sampling",
        )
    return TrainingClips(
        frame_rate=fallback["frame_rate"],
        frames=fallback["frames"],
        height=fallback.get("height") or 0,
        width=fallback.get("width") or 0,
        context_frames=fallback["context_frames"],
    )
