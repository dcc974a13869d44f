"""Refusal of clips, instructions and actions that a world model cannot predict."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from adapters import ActionSequence
from foresight.errors import UserError
from foresight.world.parts import WorldParts


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


def check_actions(actions: ActionSequence | None, parts: WorldParts, clips: int, horizon: int) -> None:
    """Refuse actions that the adapter does not read, or that leave a chunk of the horizon without a step.

    Raises:
        UserError: if actions are missing or too many, of another kind, or too short.
    """
    space = None if parts.adapter is None else parts.adapter.space
    if space is None:
        if actions is not None:
            raise UserError(
                expected="no actions, which nothing in this world model reads",
                got=f"{actions.values.shape[2]} numbers a step",
                remedy="tell it in a sentence, or load an adapter that reads actions (action_tokens, …)",
            )
        return
    names = ", ".join(space.names)
    if actions is None:
        raise UserError(
            expected=f"actions ({names})", got="none", remedy="give actions=, with steps for all of the horizon"
        )
    try:
        space.check(actions.values)
    except ValueError as error:
        raise UserError(
            expected=f"actions of this world model ({names})", got=str(error), remedy="give numbers in these ranges"
        ) from error
    if len(actions) != clips:
        raise UserError(
            expected=f"actions of {clips} clips", got=str(len(actions)), remedy="give each clip its own, in order"
        )
    config = parts.sampling_config
    for start in range(0, horizon, config.chunk_frames):
        begin, end = start / config.frame_rate, min(start + config.chunk_frames, horizon) / config.frame_rate
        if actions.between(begin, end) is None:
            last = float(actions.seconds[-1])
            raise UserError(
                expected=f"actions for {horizon} frames at {config.frame_rate:g} per second",
                got=f"no step between {begin:g} and {end:g} s; the last begins at {last:g} s",
                remedy="give steps for the whole horizon, or predict fewer frames",
            )
