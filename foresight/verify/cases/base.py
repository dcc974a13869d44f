"""Cases: clips with their true future and wrong ones, for verifiers to be fitted and measured on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from foresight.physics import PhysicsClip

TRUE = "true"
"""The kind of a true future."""


@dataclass(frozen=True)
class OutcomeSet:
    """A future of each clip of a batch.

    Args:
        kinds: `TRUE`, or in which way it is wrong.
        videos: in [−1, 1].
        states: true states; None where they are unknown.
    """

    kinds: Sequence[str]
    videos: Float[Tensor, "clip rgb=3 frame height width"]
    states: Sequence[PhysicsClip] | None


@dataclass(frozen=True)
class OutcomeBatch:
    """Clips of one size.

    Args:
        clips: number of each, the same every time. Clips of one file share theirs: they look alike, and figures that
            are to hold for unseen clips must not be fitted on one and judged on another.
        contexts: given frames, in [−1, 1].
        instructions: one per clip.
        traits: confounders of raw distances, such as contrast and motion, by name.
        outcomes: the true one, then the wrong ones.
    """

    clips: Sequence[int]
    contexts: Float[Tensor, "clip rgb=3 given height width"]
    instructions: Sequence[str]
    traits: Mapping[str, Float[Tensor, " clip"]]
    outcomes: Sequence[OutcomeSet]


class Cases(Protocol):
    """A collection of cases."""

    @property
    def data(self) -> str:
        """Description of the cases, kept with a verifier."""
        ...

    @property
    def instructions(self) -> tuple[str, ...]:
        """All instructions that occur."""
        ...

    @property
    def placed(self) -> bool:
        """True if true states are known, and so whether a prediction comes true."""
        ...

    @property
    def independent(self) -> int:
        """How many different numbers their clips have: files, or all of them."""
        ...

    def __len__(self) -> int: ...

    def batches(self, size: int) -> Iterator[OutcomeBatch]:
        """All of them, in order."""
        ...


def in_turn(kinds: Sequence[str], count: int, clip: int, turn: int) -> str:
    """Round-robin choice of a counterfactual kind, over clips and over the `count` wrong futures of each."""
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
