"""Refusal of clips and instructions that a world model cannot predict."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from foresight.errors import UserError


def check_clips(contexts: Tensor, instructions: Sequence[str], horizon: int) -> None:
    """Refuse what is no batch of clips with an instruction each, and a horizon without a frame.

    Raises:
        UserError: naming what was expected.
    """
    if contexts.ndim != 5 or contexts.shape[1] != 3 or len(contexts) != len(instructions):
        raise UserError(
            expected="clips (batch, 3, frames, height, width) with one instruction each",
            got=f"{tuple(contexts.shape)} and {len(instructions)} instructions",
            remedy="stack clips of one size",
        )
    if horizon < 1:
        raise UserError(expected="a horizon of at least 1 frame", got=str(horizon), remedy="ask for more")


def check_spoken(instructions: Sequence[str]) -> None:
    """Refuse an empty instruction for a VLM; the video model alone takes one, and continues the clip unconditionally.

    Raises:
        UserError: if an instruction is empty.
    """
    if not all(sentence.strip() for sentence in instructions):
        raise UserError(
            expected="an instruction", got="an empty one", remedy="say what is done, such as 'nothing is pushed'"
        )
