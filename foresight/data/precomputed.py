"""Folders that LTX-Video-Trainer's preprocessing writes, read as they are: latents and text states, no video.

`.precomputed` holds `latents/`, `conditions/` and, for IC-LoRAs, `reference_latents/`, with one file per clip of the
same relative path in each. They are files of `torch.save`; they are read with `weights_only`, which builds tensors,
numbers and plain containers and runs no code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from foresight.data.batch import FeatureBatch
from foresight.errors import UserError, one_line
from ltx.shapes import LatentShape, from_tokens

ROOT = ".precomputed"
REFERENCES = ("reference_latents", "ref_latents")
"""The folder that the preprocessing writes, and the one that the trainer's configuration names by default."""
FRAME_RATE = 24.0
"""Of clips whose file says none, as in older folders."""


class PrecomputedClips:
    """Clips of such a folder, as `latents`, `text`, `text_mask` and, where asked for, `reference`.

    Args:
        folder: the one that holds `.precomputed`, or that itself.
        held_out: how many clips, the last ones by name, are for validation.
        validation: whether these are meant, or all others.
        references: whether each clip has a reference video.

    Raises:
        ValueError: if no clip is held out.
    """

    def __init__(self, *, folder: str | Path, held_out: int, validation: bool, references: bool = False) -> None:
        if held_out < 1:
            raise ValueError(f"expected at least one clip to be held out for validation, got {held_out}")
        root = Path(folder)
        self._root = root / ROOT if (root / ROOT).is_dir() else root
        self._held_out, self._validation, self._references = held_out, validation, references

    def prepare(self) -> None:
        """Look for every file.

        Raises:
            UserError: if a folder or file is missing, or too few clips are there.
        """
        for path in self._paths:
            for other in self._files(path).values():
                if not other.is_file():
                    raise UserError(
                        expected=f"{other}, which belongs to {path.name}",
                        got="no such file",
                        remedy="run the trainer's preprocessing again, or take the latents away",
                    )

    def recipe(self) -> dict[str, Any]:
        """Names and sizes of the files."""
        files = [file for path in self._paths for file in self._files(path).values()]
        told = "\n".join(f"{file.relative_to(self._root)} {file.stat().st_size}" for file in files)
        return {"kind": "precomputed", "files": hashlib.sha256(told.encode()).hexdigest()}

    def __len__(self) -> int:
        return len(self._paths)

    def __getitems__(self, indices: Sequence[int]) -> FeatureBatch:
        """The given clips.

        Raises:
            UserError: if a file is damaged, or the clips differ in size or frame rate.
        """
        rows = [self._row(self._paths[int(index)]) for index in indices]
        kinds = {(tuple(tensors["latents"].shape[1:]), rate) for tensors, rate in rows}
        if len(kinds) > 1:
            raise UserError(
                expected="clips of one size and frame rate in a batch",
                got=" and ".join(f"{size} at {rate:g} per second" for size, rate in sorted(kinds)[:3]),
                remedy="give data.batch=1, or keep clips of one kind in the folder",
            )
        tensors = {name: torch.stack([row[name] for row, _ in rows]) for name in rows[0][0]}
        return FeatureBatch(tensors, ("",) * len(rows), rows[0][1], torch.as_tensor(list(indices)))

    @cached_property
    def _paths(self) -> list[Path]:
        """Latents of the clips that are meant."""
        found = sorted((self._root / "latents").glob("**/*.pt"))
        if len(found) <= self._held_out:
            raise UserError(
                expected=f"more than {self._held_out} clips, so many of them held out, in {self._root / 'latents'}",
                got=f"{len(found)} .pt files",
                remedy="name the folder that LTX-Video-Trainer's preprocess_dataset.py wrote, or a smaller held_out",
            )
        return found[-self._held_out :] if self._validation else found[: -self._held_out]

    def _files(self, latents: Path) -> dict[str, Path]:
        """A clip's files by what they hold."""
        inside = latents.relative_to(self._root / "latents")
        # Older folders call the two files of a clip latent_X.pt and condition_X.pt.
        old = inside.with_name(inside.name.replace("latent_", "condition_", 1))
        conditions = self._root / "conditions"
        text = conditions / (old if inside.name.startswith("latent_") else inside)
        files = {"latents": latents, "text": text}
        if self._references:
            folder = next((name for name in REFERENCES if (self._root / name).is_dir()), REFERENCES[0])
            files["reference"] = self._root / folder / inside
        return files

    def _row(self, latents: Path) -> tuple[dict[str, Tensor], float]:
        """Tensors of a clip, float32, and its frame rate."""
        files = self._files(latents)
        content = {name: _read(path) for name, path in files.items()}
        try:
            text = content["text"]
            tensors = {name: _grid(content[name]) for name in files if name != "text"}
            tensors |= {"text": text["prompt_embeds"].float(), "text_mask": text["prompt_attention_mask"].bool()}
            return tensors, float(content["latents"].get("fps", FRAME_RATE))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(
                expected=f"latents, num_frames, height and width, and text states, in {latents} and beside it",
                got=f"{type(error).__name__}: {error}",
                remedy="run the trainer's preprocessing again",
            ) from error


def _grid(content: dict[str, Any]) -> Tensor:
    """Latents as they lie in the video: in the files they are a sequence of tokens."""
    shape = LatentShape(*(int(content[name]) for name in ("num_frames", "height", "width")))
    return from_tokens(content["latents"].float()[None], shape)[0]


def _read(path: Path) -> dict[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged file makes of the reader
        raise UserError(
            expected=f"tensors and numbers alone in {path}",
            got=one_line(error)[:120],
            remedy="run the trainer's preprocessing again; files that would run code are not opened",
        ) from error
    if not isinstance(content, dict):
        raise UserError(
            expected=f"a dictionary in {path}", got=type(content).__name__, remedy="run the preprocessing again"
        )
    return content
