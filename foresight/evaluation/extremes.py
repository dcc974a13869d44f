"""The clips that a benchmark shows: those that were predicted worst, and best."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

Frames = Float[Tensor, "rgb=3 frame height width"]


@dataclass(frozen=True)
class ShownClip:
    """A clip and its prediction.

    Args:
        clip: name, as in the per-clip values.
        instruction: that it was predicted for.
        error: mean squared error on the [0, 1] scale.
        frame_rate: frames per second.
        context: given frames, in [−1, 1].
        observed: frames that followed.
        predicted: as many.
    """

    clip: str
    instruction: str
    error: float
    frame_rate: float
    context: Frames
    observed: Frames
    predicted: Frames


class Extremes:
    """Keeps the best and the worst of all clips that are added, and no other frames.

    Args:
        each: how many of either.
    """

    def __init__(self, each: int = 3) -> None:
        self._each = each
        self._best: list[ShownClip] = []
        self._worst: list[ShownClip] = []

    def add(self, clip: ShownClip) -> None:
        """See one more clip."""
        self._best = sorted([*self._best, clip], key=lambda one: one.error)[: self._each]
        self._worst = sorted([*self._worst, clip], key=lambda one: -one.error)[: self._each]

    @property
    def worst(self) -> tuple[ShownClip, ...]:
        """The worst first."""
        return tuple(self._worst)

    @property
    def best(self) -> tuple[ShownClip, ...]:
        """The best first; none that is among the worst, where clips are few."""
        return tuple(one for one in self._best if one.clip not in {other.clip for other in self._worst})
