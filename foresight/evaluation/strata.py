"""Size, contrast and motion of clips: what raw distances are confounded by, so that figures must hold inside each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from foresight.evaluation.judged import Judged
from foresight.evaluation.statistics import Estimate
from foresight.physics import COLOURS, PhysicsClip
from foresight.physics.scene import BACKGROUND

TRAITS = {"size": ("small", "large"), "contrast": ("pale", "bright"), "motion": ("slow", "fast")}
"""Names of the lower and upper half of the clips."""


def traits(clip: PhysicsClip) -> tuple[float, float, float]:
    """Mean radius in pixels, mean distance of the bodies' colours from the background, mean way to the true places."""
    background = np.asarray(BACKGROUND)
    now, later = clip.positions[clip.config.action_frame], clip.positions[clip.config.context_frames :]
    return (
        float(np.mean([body.radius for body in clip.bodies])),
        float(np.mean([np.linalg.norm(np.asarray(COLOURS[body.colour]) - background) for body in clip.bodies])),
        float((later - now).norm(dim=-1).mean()),
    )


def halves(measured: Float[Tensor, "clip trait"]) -> Bool[Tensor, "clip trait"]:
    """Whether each clip lies above the median of each trait."""
    return measured > measured.median(dim=0).values


def strata(judged: Judged, clips: Sequence[int], measured: Float[Tensor, "clip trait"]) -> dict[str, Judged]:
    """The examples inside every half of every trait, and inside every combination of halves, by name.

    Those without both labels are left out: there is nothing to tell apart.

    Args:
        judged: all examples.
        clips: seeds of the clips, in the order of `measured`.
        measured: `traits` of each clip.
    """
    row = {seed: index for index, seed in enumerate(clips)}
    upper = halves(measured)[torch.tensor([row[seed] for seed in judged.clips.tolist()])]
    found: dict[str, Judged] = {}
    for number, names in enumerate(TRAITS.values()):
        for half, name in enumerate(names):
            found[name] = judged.where(upper[:, number] == bool(half))
    for choice in product((0, 1), repeat=len(TRAITS)):
        name = ", ".join(names[half] for names, half in zip(TRAITS.values(), choice, strict=True))
        found[name] = judged.where((upper == torch.tensor(choice, dtype=torch.bool)).all(dim=1))
    return {name: part for name, part in found.items() if len(part.right) and part.both}


def auroc_inside(parts: dict[str, Judged]) -> dict[str, Estimate]:
    """AUROC inside each stratum."""
    return {f"AUROC, {name}": part.auroc for name, part in parts.items()}
