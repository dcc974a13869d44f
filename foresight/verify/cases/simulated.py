"""Cases of the simulated world: counterfactual futures, and true places of everything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from foresight.physics import PhysicsClip, PhysicsConfig, SimulatedSplit
from foresight.physics.counterfactual import KINDS, counterfactual
from foresight.physics.language import all_instructions
from foresight.verify.cases.base import TRUE, OutcomeBatch, OutcomeSet, check_kinds, in_turn


class SimulatedCases:
    """Clips of the simulated world.

    Args:
        clips: how many, from the first seed of the split on.
        split: a key of `foresight.physics.clip.SPLITS`.
        physics: the world.
        kinds: of counterfactual futures, keys of `foresight.physics.counterfactual.KINDS`.
        negatives: how many of them per clip, in turn.

    Raises:
        ValueError: if the split or a kind is unknown, or a number out of its range.
    """

    placed = True

    def __init__(self, *, clips: int, split: str, physics: PhysicsConfig, kinds: Sequence[str], negatives: int) -> None:
        check_kinds(kinds, tuple(KINDS), negatives)
        self._split, self._kinds, self._negatives = SimulatedSplit(physics, split, clips), tuple(kinds), negatives

    @property
    def data(self) -> str:
        """Split, kinds and world."""
        kinds = ", ".join(self._kinds)
        return f"simulated world, split {self._split.split}, counterfactuals {kinds}, {self._split.physics}"

    @property
    def instructions(self) -> tuple[str, ...]:
        """All of the world's."""
        return tuple(all_instructions())

    @property
    def independent(self) -> int:
        """All: each clip is a scene of its own."""
        return len(self)

    def __len__(self) -> int:
        return len(self._split)

    def batches(self, size: int) -> Iterator[OutcomeBatch]:
        """In order of their seeds."""
        for true in self._split.batches(size):
            futures = [_outcomes([TRUE] * len(true), true)]
            for turn in range(self._negatives):
                kinds = [in_turn(self._kinds, self._negatives, clip.seed, turn) for clip in true]
                false = [counterfactual(clip, kind) for clip, kind in zip(true, kinds, strict=True)]
                futures.append(_outcomes(kinds, false))
            measured = torch.tensor([_traits(clip) for clip in true])
            yield OutcomeBatch(
                clips=[clip.seed for clip in true],
                contexts=torch.stack([clip.context for clip in true]),
                instructions=[clip.instruction for clip in true],
                traits=dict(zip(("size", "contrast", "motion"), measured.T, strict=True)),
                outcomes=futures,
            )


def _outcomes(kinds: Sequence[str], clips: Sequence[PhysicsClip]) -> OutcomeSet:
    return OutcomeSet(kinds, torch.stack([clip.future for clip in clips]), clips)


def _traits(clip: PhysicsClip) -> tuple[float, float, float]:
    """Mean radius in pixels, mean distance of the bodies' colours from what is behind, mean way to the true places."""
    look = clip.scene.look
    behind = look.empty(clip.config.size).mean(axis=(0, 1))
    now, later = clip.positions[clip.config.action_frame], clip.positions[clip.config.context_frames :]
    return (
        float(np.mean([body.radius for body in clip.bodies])),
        float(np.mean([np.linalg.norm(look.colour(body.colour) - behind) for body in clip.bodies])),
        float((later - now).norm(dim=-1).mean()),
    )
