"""Targets of a grounding loss: tokens that name an object after the video, and its true state."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from foresight.physics import COLOURS
from foresight.vlm.curriculum.episode import Episode
from foresight.vlm.curriculum.grounding_targets import SPEED

STATES = 8
"""x and y at the end of the context, half-way through the future and at its end, in −1 … 1 of the picture, the first
pair followed by the velocity to the right and down, in `SPEED`."""

NAME = re.compile(rf"\b({'|'.join(COLOURS)}) (ball|box)\b")


@dataclass(frozen=True)
class Mentions:
    """The tokens that end an object's name, in words that come after the video.

    Args:
        named: True at those tokens.
        colours: which of `COLOURS` is named there; 0 elsewhere.
        present: 1 where the object is in the scene, 0 where it is named but not there, and elsewhere.
        states: see `STATES`; zeros where no object is.
    """

    named: Bool[Tensor, "batch length"]
    colours: Int[Tensor, "batch length"]
    present: Float[Tensor, "batch length"]
    states: Float[Tensor, "batch length state"]

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Mentions:
        """The same on another device."""
        parts = (self.named, self.colours, self.present, self.states)
        return Mentions(*(v.to(device, non_blocking=non_blocking) for v in parts))


class MentionFinder:
    """Finds object names in token ids.

    Args:
        tokenizer: that made the ids.
        placeholder: id of the vision tokens; names before the last of them cannot know the video and are left out.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, placeholder: int) -> None:
        self._pieces = [str(tokenizer.decode([index])) for index in range(len(tokenizer))]
        self._placeholder = placeholder

    def __call__(self, rows: Sequence[Sequence[int]], episodes: Sequence[Episode]) -> Mentions:
        """The mentions in each row of ids, padded to the longest, with the states of that row's episode."""
        size = len(rows), max(len(row) for row in rows)
        mentions = Mentions(
            named=torch.zeros(size, dtype=torch.bool),
            colours=torch.zeros(size, dtype=torch.long),
            present=torch.zeros(size),
            states=torch.zeros(*size, STATES),
        )
        for index, (row, episode) in enumerate(zip(rows, episodes, strict=True)):
            states = {body.name: body_states(episode, number) for number, body in enumerate(episode.bodies)}
            for token, name in self._find(row):
                mentions.named[index, token] = True
                mentions.colours[index, token] = list(COLOURS).index(name.split()[0])
                if name in states:
                    mentions.present[index, token] = 1
                    mentions.states[index, token] = states[name]
        return mentions

    def _find(self, row: Sequence[int]) -> list[tuple[int, str]]:
        """The last token of each name after the video, and the name."""
        first = len(row) - list(reversed(row)).index(self._placeholder)
        ends, text = [], ""
        for index in row[first:]:
            text += self._pieces[index]
            ends.append(len(text))
        return [
            (first + next(t for t, end in enumerate(ends) if end >= match.end()), match.group())
            for match in NAME.finditer(text)
        ]


def body_states(episode: Episode, body: int) -> Float[Tensor, " state"]:
    """The states of one body: see `STATES`."""
    now, last = episode.config.context_frames - 1, episode.config.frames - 1
    here, half, there = (
        episode.positions[frame, body] * 2 / episode.config.size - 1 for frame in (now, (now + last) // 2, last)
    )
    return torch.cat([here, episode.velocities[now, body] / SPEED, half, there])
