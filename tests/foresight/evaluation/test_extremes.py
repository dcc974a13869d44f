"""The clips that a benchmark shows."""

from __future__ import annotations

import torch

from foresight.evaluation.extremes import Extremes, ShownClip


def clip(name: str, error: float) -> ShownClip:
    frames = torch.zeros(3, 1, 2, 2)
    return ShownClip(name, "", error, 8.0, frames, frames, frames)


def test_the_worst_and_the_best_are_kept() -> None:
    """Each in its order, whatever the order in which they came."""
    extremes = Extremes(2)
    for name, error in (("a", 3.0), ("b", 9.0), ("c", 1.0), ("d", 5.0), ("e", 2.0)):
        extremes.add(clip(name, error))
    assert [one.clip for one in extremes.worst] == ["b", "d"]
    assert [one.clip for one in extremes.best] == ["c", "e"]


def test_no_clip_is_shown_twice() -> None:
    """Where clips are few the worst are shown, and the best of the others."""
    extremes = Extremes(2)
    for name, error in (("a", 3.0), ("b", 9.0), ("c", 1.0)):
        extremes.add(clip(name, error))
    assert [one.clip for one in extremes.worst] == ["b", "a"] and [one.clip for one in extremes.best] == ["c"]
