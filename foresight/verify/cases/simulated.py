"""Cases of the simulated world: counterfactual futures, and true places of everything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from foresight.physics import PhysicsClip, PhysicsConfig, make_clip
from foresight.physics.clip import SPLITS
from foresight.physics.counterfactual import KINDS, counterfactual
from foresight.physics.language import all_instructions
from foresight.verify.cases.base import TRUE, CaseBatch, Futures, check_kinds, in_turn


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
        if split not in SPLITS or clips < 1:
            raise ValueError(f"expected clips of a split out of {', '.join(SPLITS)}; got {clips} of {split!r}")
        check_kinds(kinds, tuple(KINDS), negatives)
        self._seeds = range(SPLITS[split], SPLITS[split] + clips)
        self._split, self._physics, self._kinds, self._negatives = split, physics, tuple(kinds), negatives

    @property
    def data(self) -> str:
        """Split, kinds and world."""
        return f"simulated world, split {self._split}, counterfactuals {', '.join(self._kinds)}, {self._physics}"

    @property
    def instructions(self) -> tuple[str, ...]:
        """All of the world's."""
        return tuple(all_instructions())

    def __len__(self) -> int:
        return len(self._seeds)

    def batches(self, size: int) -> Iterator[CaseBatch]:
        """In order of their seeds."""
        given = self._physics.context_frames
        for start in range(0, len(self), size):
            true = [make_clip(seed, self._physics) for seed in self._seeds[start : start + size]]
            futures = [_futures([TRUE] * len(true), true)]
            for turn in range(self._negatives):
                kinds = [in_turn(self._kinds, self._negatives, clip.seed, turn) for clip in true]
                false = [counterfactual(clip, kind) for clip, kind in zip(true, kinds, strict=True)]
                futures.append(_futures(kinds, false))
            measured = torch.tensor([_traits(clip) for clip in true])
            yield CaseBatch(
                clips=[clip.seed for clip in true],
                contexts=torch.stack([clip.tensor[:, :given] for clip in true]),
                instructions=[clip.instruction for clip in true],
                traits=dict(zip(("size", "contrast", "motion"), measured.T, strict=True)),
                futures=futures,
            )


def _futures(kinds: Sequence[str], clips: Sequence[PhysicsClip]) -> Futures:
    given = clips[0].config.context_frames
    return Futures(kinds, torch.stack([clip.tensor[:, given:] for clip in clips]), clips)


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
