"""Numeric actions: what is done at which time, and the space that the numbers are in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

ROUNDING = 1e-4
"""Seconds by which the time of a step may be rounded."""
LEAST_DEVIATION = 1e-6
"""Below it a number never changes, and is left as it is."""


@dataclass(frozen=True)
class ActionSpace:
    """Names, ranges and normalisation of the numbers that make an action; an adapter's configuration keeps it.

    Args:
        names: one per number, such as "x velocity" or "gripper".
        low: least value of each; None for no bound.
        high: greatest value of each; None for no bound.
        mean: subtracted before an adapter reads the number.
        deviation: divided by, above 0.

    Raises:
        ValueError: if there are no numbers, the lists differ in length, or a value is out of its range.
    """

    names: tuple[str, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def __post_init__(self) -> None:
        for field in ("names", "low", "high", "mean", "deviation"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        lengths = {len(getattr(self, field)) for field in ("names", "low", "high", "mean", "deviation")}
        if len(lengths) > 1 or not self.names:
            raise ValueError(f"expected as many names, bounds, means and deviations, got {sorted(lengths)} of them")
        if len(set(self.names)) < len(self.names) or not all(isinstance(name, str) and name for name in self.names):
            raise ValueError(f"expected a name of its own for each number of an action, got {', '.join(self.names)}")
        for name, mean, deviation, (low, high) in zip(self.names, self.mean, self.deviation, self.bounds, strict=True):
            if not (low < high and math.isfinite(mean) and 0 < deviation < math.inf):
                raise ValueError(
                    f"expected of {name!r} low < high, a finite mean and a deviation above 0; "
                    f"got {low}, {high}, {mean} and {deviation}"
                )

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """Least and greatest value of each number, infinite where there is no bound."""
        return [
            (-math.inf if low is None else float(low), math.inf if high is None else float(high))
            for low, high in zip(self.low, self.high, strict=True)
        ]

    @classmethod
    def of(cls, names: Sequence[str], low: float | None = None, high: float | None = None) -> ActionSpace:
        """A space of one range for all, whose numbers are read as they are."""
        count = len(names)
        return cls(tuple(names), (low,) * count, (high,) * count, (0.0,) * count, (1.0,) * count)

    def fitted(self, values: Float[Tensor, "*batch action"]) -> ActionSpace:
        """The same names and ranges with the mean and deviation of these values: those of the training data.

        Raises:
            ValueError: if the values are not of this space.
        """
        self.check(values)
        flat = values.reshape(-1, len(self)).double()
        deviation = flat.std(dim=0, correction=0)
        deviation = torch.where(deviation < LEAST_DEVIATION, 1.0, deviation)
        return replace(self, mean=tuple(flat.mean(dim=0).tolist()), deviation=tuple(deviation.tolist()))

    def __len__(self) -> int:
        return len(self.names)

    def check(self, values: Float[Tensor, "*batch action"]) -> None:
        """Refuse values that are no actions of this space.

        Raises:
            ValueError: naming the number that is missing, not finite or out of its range.
        """
        if values.ndim < 1 or values.shape[-1] != len(self) or not values.numel():
            raise ValueError(
                f"expected actions of {len(self)} numbers ({', '.join(self.names)}), got {tuple(values.shape)}"
            )
        for index, (name, (low, high)) in enumerate(zip(self.names, self.bounds, strict=True)):
            least, most = float(values[..., index].min()), float(values[..., index].max())
            if not (math.isfinite(least) and math.isfinite(most)):
                raise ValueError(f"expected finite actions, got NaN or infinity in {name!r}")
            if least < low or most > high:
                raise ValueError(f"expected {name!r} from {low:g} to {high:g}, got {least:g} to {most:g}")

    def normalised(self, values: Float[Tensor, "*batch action"]) -> Float[Tensor, "*batch action"]:
        """Values as adapters read them: (value − mean) / deviation."""
        return (values - values.new_tensor(self.mean)) / values.new_tensor(self.deviation)


@dataclass(frozen=True)
class ActionSequence:
    """What is done, step by step. Steps and frames need not coincide: each step has its own time.

        ActionSequence.steady(torch.zeros(1, 16, 2), frame_rate=8.0)  # an action for each predicted frame

    Args:
        values: one row of numbers per step.
        seconds: when each step begins to act, in order, counted from the last observed frame: at 0 it changes the
            first predicted frame, before that it is history.

    Raises:
        ValueError: if the shapes do not belong together, a value is not finite, or the times are not in order.
    """

    values: Float[Tensor, "batch step action"]
    seconds: Float[Tensor, " step"]

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.seconds.ndim != 1 or self.values.shape[1] != len(self.seconds):
            raise ValueError(
                "expected actions (batch, step, number) and the seconds of each step, got "
                f"{tuple(self.values.shape)} and {tuple(self.seconds.shape)}"
            )
        if not self.values.numel():
            raise ValueError(f"expected at least one step of one number, got {tuple(self.values.shape)}")
        if not (bool(torch.isfinite(self.values).all()) and bool(torch.isfinite(self.seconds).all())):
            raise ValueError("expected finite actions and times, got NaN or infinity")
        if bool((self.seconds.diff() <= 0).any()):
            raise ValueError(f"expected steps in the order of their times, got seconds {self.seconds.tolist()[:8]}")

    @classmethod
    def steady(
        cls, values: Float[Tensor, "batch step action"], *, frame_rate: float, start: float = 0.0
    ) -> ActionSequence:
        """Steps at a steady rate.

        Args:
            values: one row of numbers per step.
            frame_rate: steps per second, above 0.
            start: seconds of the first step.
        """
        if not (math.isfinite(frame_rate) and frame_rate > 0):
            raise ValueError(f"expected a rate of steps above 0 per second, got {frame_rate}")
        return cls(values, start + torch.arange(values.shape[1], device=values.device) / frame_rate)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.seconds)

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> ActionSequence:
        """The same actions on another device; `dtype` concerns the values, times stay as they are."""
        return ActionSequence(self.values.to(device, dtype), self.seconds.to(device))

    def select(self, rows: Tensor | slice) -> ActionSequence:
        """Actions of the given clips, by index, mask or slice."""
        return replace(self, values=self.values[rows])

    def repeat(self, times: int) -> ActionSequence:
        """Each clip's actions `times` times in a row."""
        return replace(self, values=self.values.repeat_interleave(times, dim=0))

    def shift(self, seconds: float) -> ActionSequence:
        """The same actions that much later."""
        return replace(self, seconds=self.seconds + seconds)

    def between(self, start: float, end: float) -> ActionSequence | None:
        """The steps that begin from a time on and before another; None if there is none."""
        # Times are sums of frames: a step that begins with a chunk belongs to it, however its time was rounded.
        keep = (self.seconds >= start - ROUNDING) & (self.seconds < end - ROUNDING)
        return replace(self, values=self.values[:, keep], seconds=self.seconds[keep]) if bool(keep.any()) else None


def joined(sequences: Sequence[ActionSequence | None]) -> ActionSequence | None:
    """Actions of several clips as one batch; None where no clip has any.

    Raises:
        ValueError: if some have none, or their steps begin at other times.
    """
    given = [sequence for sequence in sequences if sequence is not None]
    if not given:
        return None
    if len(given) < len(sequences) or any(not torch.equal(one.seconds, given[0].seconds) for one in given):
        raise ValueError("expected actions of every clip, or of none, with steps at the same times")
    return ActionSequence(torch.cat([one.values for one in given]), given[0].seconds)
