"""Sampling of candidate futures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from foresight.errors import UserError

CANDIDATES = 1024
"""Most futures of one clip: they are sampled together."""
STEPS = 1000
"""Most Euler steps."""


NoiseLevel = float | Literal["auto"]
"""Where an adapter's forecast enters the flow, in [0, 1]; "auto" asks the adapter, see `WorldModel.predict`."""


@dataclass(frozen=True)
class Sampling:
    """Number of candidate futures, and how the flow is run for them.

    Args:
        candidates: futures per clip, 1 to 1024.
        noise_level: where the adapter's forecast enters the flow, in [0, 1] or "auto"; see `WorldModel.predict`.
        seed: candidate i is what seed + i alone would give.
        steps: Euler steps of a full schedule, 1 to 1000; None takes the model's.

    Raises:
        UserError: if a number is out of its range.
    """

    candidates: int = 1
    noise_level: NoiseLevel = "auto"
    seed: int = 0
    steps: int | None = None

    def __post_init__(self) -> None:
        for name, value, most in (("candidates", self.candidates, CANDIDATES), ("steps", self.steps, STEPS)):
            if value is not None and not 1 <= value <= most:
                raise UserError(
                    expected=f"1 to {most} {name}", got=str(value), remedy=f"choose another number of {name}"
                )
        level: float | str = self.noise_level
        if level != "auto" and not (isinstance(level, int | float) and 0 <= level <= 1):
            raise UserError(expected="a noise level in [0, 1] or auto", got=repr(level), remedy="choose another")

    @property
    def seeds(self) -> list[int]:
        """Seed of each candidate."""
        return [self.seed + index for index in range(self.candidates)]
