"""Refine: keep a rejected prediction, raise its noise level, and let the flow repair it."""

from __future__ import annotations

from dataclasses import dataclass

from foresight.loop.policies.base import Situation
from foresight.loop.policies.moves import Part, Renoise, Step


@dataclass(frozen=True)
class Refine:
    """Re-noises the most probable attempt: z = (1 − σ*)·ẑ + σ*·ε, then the flow from σ* down.

    Args:
        noise_level: σ* in (0, 1]; 1 forgets the attempt.
        part: all space-time tokens, or only those that failed.
        times: at most.

    Raises:
        ValueError: if a number is out of its range.
    """

    noise_level: float
    part: Part
    times: int

    def __post_init__(self) -> None:
        if not 0 < self.noise_level <= 1 or self.times < 1 or self.part not in ("all", "failed"):
            raise ValueError(f"expected a noise level in (0, 1], part all or failed and times ≥ 1, got {self}")

    def decide(self, seen: Situation) -> Step | None:
        """Re-noise, or nothing: the first attempt is for others to make."""
        if seen.exhausted or seen.best is None or seen.count(Renoise) >= self.times:
            return None
        return Renoise(seen.best, self.noise_level, self.part, seen.fresh_seed)
