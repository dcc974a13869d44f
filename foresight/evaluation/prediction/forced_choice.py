"""Forced choice: the nearest of several futures to a prediction, so that hedging and blurring do not win."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from foresight.metrics.baselines import copy_last_frame
from foresight.metrics.statistics import Estimate, mean
from foresight.physics import PhysicsClip, make_clip
from foresight.physics.counterfactual import counterfactual

TRUE, FROZEN, BLURRED, OTHER_ACTION, OTHER_CLIP = "true", "frozen", "blurred", "other action", "other clip"
OPTIONS = (TRUE, FROZEN, BLURRED, OTHER_ACTION, OTHER_CLIP)

Videos = Float[Tensor, "batch 3 frame height width"]


def futures_to_choose_from(clips: list[PhysicsClip]) -> Float[Tensor, "batch option 3 frame height width"]:
    """The options for each clip, in the order of `OPTIONS`.

    "Blurred" is the mean of the true, the frozen and the other-action future: the least squares answer of one who
    cannot tell them apart. "Other clip" is the true future of the next clip.
    """
    given = clips[0].config.context_frames
    after = make_clip(clips[-1].seed + 1, clips[-1].config)
    whole = torch.stack([clip.tensor for clip in clips])
    true = whole[:, :, given:]
    frozen = copy_last_frame(whole[:, :, :given], true.shape[2])
    other = torch.stack([counterfactual(clip, "other_action").tensor[:, given:] for clip in clips])
    elsewhere = torch.cat([true[1:], after.tensor[None, :, given:]])
    return torch.stack([true, frozen, (true + frozen + other) / 3, other, elsewhere], dim=1)


def choose(
    predicted: Videos, options: Float[Tensor, "batch option 3 frame height width"], *, power: int = 1
) -> Int[Tensor, " batch"]:
    """Index of the option with the least mean |error| to the power of 1 or 2 to each prediction.

    Absolute errors decide: they are least at a median, so a hedged option is no nearer than the likelier of what it
    hedges between. Squared errors are least at the mean: they prefer the blurred option to the true one as soon as a
    body is a little off its place.
    """
    errors = (predicted[:, None] - options).abs().pow(power)
    return errors.flatten(2).mean(dim=2).argmin(dim=1)


def shares(chosen: np.ndarray) -> dict[str, Estimate]:
    """Share of clips in which each option was nearest."""
    return {option: mean(chosen == index) for index, option in enumerate(OPTIONS)}
