"""Error of one candidate out of several, chosen by nobody, by agreement, and by what has been seen of the future."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from foresight import WorldModel
from foresight.metrics.baselines import copy_last_frame
from foresight.metrics.picture import mse
from foresight.metrics.statistics import Estimate, mean, ratio_of_means
from foresight.physics import PhysicsClip
from foresight.physics.tracking import position_error, track
from ltx.shapes import TIME

Choice = Literal["first", "middle", "verified"]

SEEN = TIME
"""Future frames that a choice may look at; the later ones score it."""


@dataclass(frozen=True)
class Scored:
    """Candidates of one clip, in the order in which they were drawn, on the frames that no choice has looked at.

    Args:
        error: mean squared error of each candidate, of pixels in [0, 1].
        position: mean distance of each candidate's bodies from their places, in pixels.
        seen: mean squared error of each candidate on the frames that were looked at.
        latents: of the candidates, flattened: the one in the middle is nearest to the others.
        copied: mean squared error of the last frame standing still.
    """

    error: Float[Tensor, " candidate"]
    position: Float[Tensor, " candidate"]
    seen: Float[Tensor, " candidate"]
    latents: Float[Tensor, "candidate value"]
    copied: float

    def chosen(self, draws: int, choice: Choice) -> int:
        """Index of the candidate that is taken of the first `draws`."""
        if choice == "first":
            return 0
        if choice == "verified":
            return int(self.seen[:draws].argmin())
        return int(torch.cdist(self.latents[:draws], self.latents[:draws]).sum(dim=1).argmin())


def scored(model: WorldModel, clips: Sequence[PhysicsClip], draws: int) -> Iterator[Scored]:
    """Predict clip after clip, with all the candidates that any choice is made from."""
    for clip in clips:
        future = clip.future
        video = model.predict(clip.context, clip.instruction, future.shape[1], candidates=draws, noise_level=1.0)
        frames, rest = video.video.cpu(), slice(clip.config.context_frames + SEEN, None)
        copied = copy_last_frame(clip.context[None], future.shape[1])
        places = [track(frame[:, SEEN:], clip.bodies, clip.scene.look).positions for frame in frames]
        error = mse(frames, future[None].expand_as(frames))
        yield Scored(
            error=error[:, SEEN:].mean(dim=1),
            position=torch.stack([position_error(found, clip.positions[rest]).mean() for found in places]),
            seen=error[:, :SEEN].mean(dim=1),
            latents=video.latents.flatten(1).cpu(),
            copied=float(mse(copied, future[None])[:, SEEN:].mean()),
        )


@dataclass(frozen=True)
class Quality:
    """Quality of one choice.

    Args:
        error: mean squared error divided by that of copying.
        position: position error in pixels.
    """

    error: Estimate
    position: Estimate


def quality(clips: Sequence[Scored], draws: int, choice: Choice) -> Quality:
    """Quality of a choice among the first candidates of every clip."""
    picked = [clip.chosen(draws, choice) for clip in clips]
    error = np.array([float(clip.error[index]) for clip, index in zip(clips, picked, strict=True)])
    position = np.array([float(clip.position[index]) for clip, index in zip(clips, picked, strict=True)])
    return Quality(ratio_of_means(error, np.array([clip.copied for clip in clips])), mean(position))
