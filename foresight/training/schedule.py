"""Learning-rate schedules: a factor of the group's rate as a function of the optimizer step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WarmupDecay:
    """Linear warm-up, a plateau, and a linear decay to a floor over the last part of training."""

    steps: int
    """Length of the training in optimizer steps; later steps stay at the floor."""
    warmup: int
    """Steps of the warm-up; 0 starts at the full rate."""
    decay: float
    """Part of the training over which the rate falls, 0 to 1."""
    floor: float = 0.0
    """Factor at the end."""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.warmup < 0 or not 0 <= self.decay <= 1:
            raise ValueError(f"expected steps ≥ 1, warmup ≥ 0 and 0 ≤ decay ≤ 1, got {self}")

    def __call__(self, step: int) -> float:
        """Factor for the given optimizer step, counted from 0."""
        rise = min(1.0, (step + 1) / (self.warmup + 1))
        length = self.decay * self.steps
        left = max(0.0, self.steps - step) / length if length else 1.0
        return min(rise, self.floor + (1 - self.floor) * min(1.0, left))
