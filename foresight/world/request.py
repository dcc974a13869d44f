"""What may be asked of a world model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from foresight.errors import UserError

CANDIDATES = 1024
"""Most futures of one clip: they are sampled together."""
STEPS = 1000
"""Most Euler steps."""


NoiseLevel = float | Literal["auto"]
"""Where an adapter's forecast enters the flow, in [0, 1]; "auto" asks the adapter, see `WorldModel.predict`."""


def check_request(
    contexts: Tensor,
    instructions: Sequence[str],
    horizon: int,
    candidates: int,
    noise_level: float | str,
    steps: int | None,
) -> None:
    """Refuse what `WorldModel.predict_batch` cannot answer.

    Raises:
        UserError: if the clips are no clips, have no instruction each, or a number is out of its range.
    """
    if contexts.ndim != 5 or contexts.shape[1] != 3 or len(contexts) != len(instructions):
        raise UserError(
            expected="clips (batch, 3, frames, height, width) with one instruction each",
            got=f"{tuple(contexts.shape)} and {len(instructions)} instructions",
            remedy="stack clips of one size",
        )
    if horizon < 1:
        raise UserError(expected="a horizon of at least 1 frame", got=str(horizon), remedy="ask for more")
    for name, value, most in (("candidates", candidates, CANDIDATES), ("steps", steps, STEPS)):
        if value is not None and not 1 <= value <= most:
            raise UserError(expected=f"1 to {most} {name}", got=str(value), remedy=f"choose another number of {name}")
    if noise_level != "auto" and not (isinstance(noise_level, int | float) and 0 <= noise_level <= 1):
        raise UserError(expected="a noise level in [0, 1] or auto", got=repr(noise_level), remedy="choose another")


def check_spoken(instructions: Sequence[str]) -> None:
    """Refuse to let a VLM read nothing; the video model alone may be told nothing, it goes on as it will.

    Raises:
        UserError: if an instruction is empty.
    """
    if not all(sentence.strip() for sentence in instructions):
        raise UserError(
            expected="an instruction", got="an empty one", remedy="say what is done, such as 'nothing is pushed'"
        )
