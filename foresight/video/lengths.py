"""Lengths of context and horizon, in seconds or frames, and their fit to the model's 8k+1 frames."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from ltx.shapes import TIME

LONGEST = 4096
SHORTEST_CONTEXT = 2
_SECONDS = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*s\s*")


def context_frames(length: int | str, frame_rate: float) -> int:
    """Frames of a context: a whole number of frames, or seconds such as "1.0s".

    Seconds count both ends: at 8 frames a second the context "1.0s" is the frames at 0, ⅛, …, 1 s, nine of them.

    Raises:
        UserError: if it is neither, shorter than 2 frames (no motion can be seen), or longer than 4096.
    """
    return _frames(length, frame_rate, name="context", both_ends=1, least=SHORTEST_CONTEXT)


def horizon_frames(length: int | str, frame_rate: float) -> int:
    """Frames of a horizon: a whole number of frames, or seconds such as "2.0s" (at 8 frames a second: 16 frames).

    Raises:
        UserError: if it is neither, shorter than 1 frame, or longer than 4096.
    """
    return _frames(length, frame_rate, name="horizon", both_ends=0, least=1)


def _frames(length: int | str, frame_rate: float, *, name: str, both_ends: int, least: int) -> int:
    frames = None
    if isinstance(length, int) and not isinstance(length, bool):
        frames = length
    elif isinstance(length, str) and (match := _SECONDS.fullmatch(length)):
        frames = round(min(float(match[1]) * frame_rate, 1e9)) + both_ends
    if frames is None:
        raise UserError(
            expected=f'a {name} in seconds ("1.0s") or in frames (9)', got=repr(length), remedy=f"write {name}=1.0s"
        )
    if not least <= frames <= LONGEST:
        raise UserError(
            expected=f"a {name} of {least} to {LONGEST} frames",
            got=f"{length} ({frames} frames at {frame_rate:g} per second)",
            remedy=f"choose another {name}",
        )
    return frames


@dataclass(frozen=True)
class LengthPolicy:
    """Fit of asked lengths to those the model works in. The one place where frames are dropped or repeated.

    The context becomes the nearest 8k+1 frames, at least 9: by dropping the oldest frames, or by repeating the first
    one in front, whichever touches fewer (dropping, if equal). What is predicted is the horizon rounded up to a
    multiple of 8, and the surplus is cut off its end, so that the result has exactly the asked length.

    Args:
        context: asked frames, at least 1; a single frame stays a single frame.
        horizon: asked frames, at least 1.

    Raises:
        UserError: if either is below 1.
    """

    context: int
    horizon: int

    def __post_init__(self) -> None:
        if min(self.context, self.horizon) < 1:
            raise UserError(
                expected="a context and a horizon of at least 1 frame",
                got=f"{self.context} and {self.horizon}",
                remedy="ask for more frames",
            )

    @property
    def model_context(self) -> int:
        """Context frames the model is given: 8k+1."""
        if self.context == 1:
            return 1
        below = (self.context - 1) // TIME * TIME + 1
        above = below if below == self.context else below + TIME
        return below if below > 1 and self.context - below <= above - self.context else above

    @property
    def model_horizon(self) -> int:
        """Frames the model predicts: a multiple of 8."""
        return math.ceil(self.horizon / TIME) * TIME

    def fit_context(
        self, context: Float[Tensor, "*batch rgb=3 context height width"]
    ) -> Float[Tensor, "*batch rgb=3 frame height width"]:
        """The asked context as 8k+1 frames, which end where it ends."""
        self._check(context, self.context, "context")
        missing = self.model_context - self.context
        if missing <= 0:
            return context[..., -missing:, :, :]
        first = context[..., :1, :, :].expand(*context.shape[:-3], missing, *context.shape[-2:])
        return torch.cat([first, context], dim=-3)

    def restore(
        self, prediction: Float[Tensor, "*batch rgb=3 frame height width"]
    ) -> Float[Tensor, "*batch rgb=3 horizon height width"]:
        """The first `horizon` frames of what the model predicted."""
        self._check(prediction, self.model_horizon, "prediction")
        return prediction[..., : self.horizon, :, :]

    def sentences(self) -> list[str]:
        """Changes of the lengths, in plain words; empty without any."""
        said = []
        change = self.model_context - self.context
        if change > 0:
            said.append(
                f"The first frame is repeated {_times(change)} in front, because the model takes 8k+1 context frames "
                f"({self.context} become {self.model_context})."
            )
        elif change < 0:
            said.append(
                f"The oldest {_count(-change)} left out of the context, because the model takes 8k+1 context frames "
                f"({self.context} become {self.model_context})."
            )
        if surplus := self.model_horizon - self.horizon:
            said.append(
                f"{self.model_horizon} frames are predicted, because the model works in steps of {TIME}, "
                f"and the last {surplus} cut off."
            )
        return said

    @staticmethod
    def _check(video: Tensor, frames: int, name: str) -> None:
        if video.ndim < 4 or video.shape[-3] != frames:
            raise ValueError(f"expected a {name} of {frames} frames (…, 3, frames, h, w), got {tuple(video.shape)}")


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _count(count: int) -> str:
    return "frame is" if count == 1 else f"{count} frames are"
