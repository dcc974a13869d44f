"""Cases of any videos: futures made wrong without knowledge of their content."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.data.source import ClipSource
from foresight.errors import UserError
from foresight.metrics.baselines import copy_last_frame
from foresight.verify.cases.base import TRUE, OutcomeBatch, OutcomeSet, check_kinds, in_turn

Videos = Float[Tensor, "clip rgb=3 frame height width"]
Wrong = Callable[[Videos, Videos, Videos], Videos]
"""From contexts, their futures, and the futures of the next clips of the collection that are from other files."""


def _half_speed(contexts: Videos, futures: Videos, others: Videos) -> Videos:
    """Every frame twice: the first half of the future takes all the time."""
    return futures.repeat_interleave(2, dim=2)[:, :, : futures.shape[2]]


KINDS: dict[str, Wrong] = {
    "another_clip": lambda contexts, futures, others: others,
    "frozen": lambda contexts, futures, others: copy_last_frame(contexts, futures.shape[2]),
    "reversed": lambda contexts, futures, others: futures.flip(2),
    "half_speed": _half_speed,
}


class InstructedClips(ClipSource, Protocol):
    """A source of videos with instructions that are known without reading them."""

    @property
    def instructions(self) -> Sequence[str]:
        """Instruction of each row."""
        ...


@runtime_checkable
class FromFiles(Protocol):
    """A source of clips that are cut from files."""

    @property
    def files(self) -> Sequence[int]:
        """Number of the file by row."""
        ...

    @property
    def frame_rate(self) -> float:
        """Frames per second of the clips."""
        ...


class VideoCases:
    """Cases made of videos, whose true states are unknown: no figure says whether a prediction comes true.

    Args:
        clips: of equal length, such as `VideoClips`.
        context: frames that are given.
        kinds: of wrong futures, keys of `KINDS`.
        negatives: how many of them per clip, in turn.

    Raises:
        ValueError: if a kind is unknown, or a number out of its range.
    """

    placed = False

    def __init__(self, *, clips: InstructedClips, context: int, kinds: Sequence[str], negatives: int) -> None:
        check_kinds(kinds, tuple(KINDS), negatives)
        self._clips, self._context = clips, context
        self._kinds, self._negatives = tuple(kinds), negatives

    @property
    def data(self) -> str:
        """Number and digest of the videos, and kinds."""
        digest = sha256(json.dumps(self._clips.recipe(), sort_keys=True).encode()).hexdigest()[:12]
        return f"{len(self)} clips of videos ({digest}), wrong futures {', '.join(self._kinds)}"

    @property
    def instructions(self) -> tuple[str, ...]:
        """All that occur, each once."""
        return tuple(dict.fromkeys(self._clips.instructions))

    @property
    def frame_rate(self) -> float | None:
        """Frames per second of the clips, where they say it."""
        return self._clips.frame_rate if isinstance(self._clips, FromFiles) else None

    @property
    def independent(self) -> int:
        """How many files the clips are from."""
        return len(set(self._files))

    def __len__(self) -> int:
        return len(self._clips)

    def batches(self, size: int) -> Iterator[OutcomeBatch]:
        """In order of the table.

        Raises:
            UserError: if there are fewer than two clips, nothing to predict, or a video that cannot be used.
        """
        self._clips.prepare()
        if len(self) < 2:
            raise UserError(expected="at least two clips to compare", got=str(len(self)), remedy="list more clips")
        if self.independent < 2:
            raise UserError(
                expected="clips from at least two files, so that one's future is wrong for another",
                got=f"{len(self)} clips of one file",
                remedy="add videos",
            )
        for start in range(0, len(self), size):
            yield self._batch(list(range(start, min(start + size, len(self)))))

    @property
    def _files(self) -> Sequence[int]:
        return self._clips.files if isinstance(self._clips, FromFiles) else range(len(self))

    def _other(self, row: int) -> int:
        """The next clip that is from another file: what follows in the same one may well be right."""
        files = self._files
        behind = ((row + step) % len(files) for step in range(1, len(files)))
        return next(other for other in behind if files[other] != files[row])

    def _batch(self, rows: list[int]) -> OutcomeBatch:
        others_of = [self._other(row) for row in rows]
        wanted = list(dict.fromkeys([*rows, *others_of]))
        found = self._clips.__getitems__(wanted)
        own, count = found.video[: len(rows)], len(rows)
        contexts, futures = own[:, :, : self._context], own[:, :, self._context :]
        if not futures.shape[2]:
            raise UserError(
                expected=f"clips of more than {self._context} frames, of which the later ones are predicted",
                got=f"{found.video.shape[2]} frames",
                remedy="give fewer frames of context, or longer clips",
            )
        others = found.video[[wanted.index(other) for other in others_of], :, self._context :]
        last = contexts[:, :, -1:]
        every = [OutcomeSet([TRUE] * len(rows), futures, None)]
        for turn in range(self._negatives):
            kinds = [in_turn(self._kinds, self._negatives, row, turn) for row in rows]
            wrong = [
                KINDS[kind](*(part[at : at + 1] for part in (contexts, futures, others)))
                for at, kind in enumerate(kinds)
            ]
            every.append(OutcomeSet(kinds, torch.cat(wrong), None))
        return OutcomeBatch(
            clips=[self._files[row] for row in rows],
            contexts=contexts,
            instructions=found.instructions[:count],
            traits={
                "contrast": last.std(dim=(1, 2, 3, 4)),
                "motion": (futures - last).square().mean(dim=(1, 2, 3, 4)).sqrt(),
            },
            outcomes=every,
        )
