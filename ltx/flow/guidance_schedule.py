"""Guidance strengths over the sampling times, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from ltx.flow.sampler import EPSILON
from ltx.flow.skip_mode import SkipMode

T = TypeVar("T")


@dataclass(frozen=True)
class Guidance:
    """Strengths of one step.

    Attributes:
        scale: classifier-free guidance g ≥ 1; 1 is off.
        stg_scale: spatio-temporal guidance s ≥ 0; 0 is off. With an empty list of blocks it adds nothing, but rescales
            all the same, as released.
        rescale: strength r of the rescaling after spatio-temporal guidance. Following the released configurations 1 is
            off, not full strength, and without spatio-temporal guidance there is no rescaling.
        perturbed_blocks: the transformer blocks that spatio-temporal guidance perturbs.
        cfg_star: project the negative velocity on the positive one first.
        skip_mode: what happens in the perturbed blocks, a `SkipMode` or one of its names.

    Raises:
        ValueError: for scale < 1, stg_scale < 0, rescale outside [0, 1], or an unknown mode.
    """

    scale: float = 1.0
    stg_scale: float = 0.0
    rescale: float = 1.0
    perturbed_blocks: tuple[int, ...] = ()
    cfg_star: bool = False
    skip_mode: SkipMode = SkipMode.ATTENTION_VALUES

    def __post_init__(self) -> None:
        object.__setattr__(self, "skip_mode", SkipMode(self.skip_mode))
        if not self.scale >= 1 or not self.stg_scale >= 0 or not 0 <= self.rescale <= 1:
            raise ValueError(
                "expected a guidance scale ≥ 1, an STG scale ≥ 0 and a rescale in [0, 1], got "
                f"{self.scale}, {self.stg_scale}, {self.rescale}"
            )

    @property
    def uses_cfg(self) -> bool:
        """True if the negative branch has weight."""
        return self.scale > 1

    @property
    def uses_stg(self) -> bool:
        """True if the perturbed branch has weight: with no block perturbed it equals the positive one."""
        return self.stg_scale > 0 and bool(self.perturbed_blocks)

    @property
    def rescales(self) -> bool:
        """True if the guided velocity's spread is pulled to the positive one's."""
        return self.stg_scale > 0 and self.rescale != 1


@dataclass(frozen=True)
class GuidanceSchedule:
    """Guidance that changes with time.

    Attributes:
        entries: strengths, one for each interval of time.
        from_times: descending times; at time t the first entry whose time is ≤ t holds, below all of them the last.

    Raises:
        ValueError: if there is no entry, the lengths differ, or the times do not descend.
    """

    entries: tuple[Guidance, ...]
    from_times: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.entries or len(self.entries) != len(self.from_times):
            raise ValueError(f"expected as many times as entries, got {len(self.from_times)} and {len(self.entries)}")
        if any(a <= b for a, b in pairwise(self.from_times)):
            raise ValueError(f"expected strictly descending guidance times, got {self.from_times}")

    def index(self, sigma: float) -> int:
        """Number of the entry that holds at time sigma."""
        return next(
            (i for i, start in enumerate(self.from_times) if start <= sigma + EPSILON), len(self.from_times) - 1
        )

    def at(self, sigma: float) -> Guidance:
        """The strengths at time sigma."""
        return self.entries[self.index(sigma)]

    @property
    def uses_cfg(self) -> bool:
        """True if any entry needs the negative branch."""
        return any(entry.uses_cfg for entry in self.entries)

    @classmethod
    def constant(cls, guidance: Guidance) -> GuidanceSchedule:
        """The same strengths at every step."""
        return cls((guidance,), (0.0,))

    @classmethod
    def from_lists(
        cls,
        *,
        scale: float | Sequence[float],
        stg_scale: float | Sequence[float],
        rescale: float | Sequence[float],
        skip_blocks: Sequence[int] | Sequence[Sequence[int]],
        cfg_star: bool,
        from_times: Sequence[float],
    ) -> GuidanceSchedule:
        """A schedule in the form of the released YAML files: numbers are repeated, lists give one value for each time.

        Raises:
            ValueError: if a list has not one value for each time.
        """
        count = len(from_times)
        blocks: list[tuple[int, ...]]
        if skip_blocks and isinstance(skip_blocks[0], Sequence):
            blocks = [tuple(each) for each in skip_blocks if isinstance(each, Sequence)]
            _check_length("skip_blocks", blocks, count)
        else:
            blocks = [tuple(block for block in skip_blocks if isinstance(block, int))] * count
        columns = (_spread("scale", scale, count), _spread("stg_scale", stg_scale, count))
        rescales = _spread("rescale", rescale, count)
        entries = zip(*columns, rescales, blocks, strict=True)
        return cls(tuple(Guidance(g, s, r, b, cfg_star) for g, s, r, b in entries), tuple(from_times))


def _spread(name: str, values: float | Sequence[float], count: int) -> list[float]:
    if isinstance(values, int | float):
        return [float(values)] * count
    _check_length(name, values, count)
    return [float(value) for value in values]


def _check_length(name: str, values: Sequence[T], count: int) -> None:
    if len(values) != count:
        raise ValueError(f"expected one {name} for each of {count} guidance times, got {len(values)}")
