"""Steps of a loop: five moves that make another attempt, taking an attempt, or giving up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Part = Literal["all", "failed"]


@dataclass(frozen=True)
class Sample:
    """Predict from the context.

    Args:
        instruction: what is supposed to be done.
        seed: of the first candidate.
        steps: Euler steps of a full schedule; None takes the model's.
    """

    instruction: str
    seed: int
    steps: int | None = None


@dataclass(frozen=True)
class Renoise:
    """Raise the noise level of an attempt's latents and let the flow run down from there.

    Args:
        attempt: which one.
        noise_level: σ* in (0, 1].
        part: all space-time tokens, or only those that failed.
        seed: of the first candidate's noise.
    """

    attempt: int
    noise_level: float
    part: Part
    seed: int


@dataclass(frozen=True)
class Reword:
    """Have the instruction rewritten in the light of an attempt and of what was seen, then predict.

    Args:
        attempt: which one.
        seed: of the first candidate.
    """

    attempt: int
    seed: int


@dataclass(frozen=True)
class Continue:
    """Take what was seen as context and predict only the rest.

    Args:
        attempt: whose instruction goes on, if the model has no instruction of its own for continuing.
        seed: of the first candidate.
    """

    attempt: int
    seed: int


@dataclass(frozen=True)
class Condition:
    """Sample the future as a whole once more, beginning as what was seen.

    Args:
        attempt: whose instruction it goes by.
        seed: of the first candidate.
        steps: of the schedule.
    """

    attempt: int
    seed: int
    steps: int


@dataclass(frozen=True)
class Take:
    """End with this attempt."""

    attempt: int


@dataclass(frozen=True)
class GiveUp:
    """End without a prediction."""


Move = Sample | Renoise | Reword | Continue | Condition
Step = Move | Take | GiveUp

KINDS: dict[str, type[Step]] = {
    "draw": Sample,
    "renoise": Renoise,
    "reword": Reword,
    "continue": Continue,
    "fit": Condition,
    "take": Take,
    "give up": GiveUp,
}


def as_record(step: Step) -> dict[str, Any]:
    """A step as plain values."""
    return {"kind": kind_of(step), **asdict(step)}


def from_record(record: Mapping[str, Any]) -> Step:
    """Step of a record that `as_record` wrote.

    Raises:
        KeyError: if there is no such kind.
        TypeError: if its fields are others.
    """
    fields = dict(record)
    return KINDS[fields.pop("kind")](**fields)


def kind_of(step: Step) -> str:
    """Name of a step's kind."""
    return next(name for name, kind in KINDS.items() if type(step) is kind)
