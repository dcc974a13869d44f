"""Cases: clips with what happened and with what did not, for verifiers to be fitted and judged on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from foresight.physics import PhysicsClip

TRUE = "true"
"""The kind of what happened."""


@dataclass(frozen=True)
class Futures:
    """A future of each clip of a batch.

    Args:
        kinds: `TRUE`, or in which way it is wrong.
        videos: in [−1, 1].
        states: where everything is in it; None where nobody knows.
    """

    kinds: Sequence[str]
    videos: Float[Tensor, "clip rgb=3 frame height width"]
    states: Sequence[PhysicsClip] | None


@dataclass(frozen=True)
class CaseBatch:
    """Clips of one size.

    Args:
        clips: number of each, the same every time. Clips of one file share theirs: they look alike, and figures that
            are to hold for unseen clips must not be fitted on one and judged on another.
        contexts: what is given, in [−1, 1].
        instructions: what is told.
        traits: what raw distances are confounded by, such as contrast and motion, by name.
        futures: what happened, then what did not.
    """

    clips: Sequence[int]
    contexts: Float[Tensor, "clip rgb=3 given height width"]
    instructions: Sequence[str]
    traits: Mapping[str, Float[Tensor, " clip"]]
    futures: Sequence[Futures]


class Cases(Protocol):
    """A collection of cases."""

    @property
    def data(self) -> str:
        """What they are, in words that are kept with a verifier."""
        ...

    @property
    def instructions(self) -> tuple[str, ...]:
        """What else could have been told."""
        ...

    @property
    def placed(self) -> bool:
        """Whether it is known where things are, and so whether a prediction comes true."""
        ...

    def __len__(self) -> int: ...

    def batches(self, size: int) -> Iterator[CaseBatch]:
        """All of them, in order."""
        ...


def in_turn(kinds: Sequence[str], count: int, clip: int, turn: int) -> str:
    """Kinds take turns: from clip to clip, and among the `count` wrong futures of one clip."""
    return kinds[(clip * count + turn) % len(kinds)]


def check_kinds(kinds: Sequence[str], known: Sequence[str], count: int) -> None:
    """Refuse unknown kinds, and more wrong futures of a clip than there are kinds.

    Raises:
        ValueError: naming what is wrong.
    """
    unknown = sorted(set(kinds) - set(known))
    if unknown or not 0 < count <= len(kinds):
        raise ValueError(
            f"expected up to as many wrong futures of a clip as kinds, out of {', '.join(known)}; "
            f"got {count} out of {', '.join(kinds)}"
        )
