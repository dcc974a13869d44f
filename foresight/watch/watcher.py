"""Watching: predict ahead, wait for the frames, score the prediction, start again from what was seen."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.metrics.baselines import copy_last_frame
from foresight.metrics.picture import mse
from foresight.video.arrival import StreamFrame
from foresight.watch.surprise import surprise
from foresight.world.domain import DomainCheck, check_domain
from foresight.world.prediction import Prediction
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel
from ltx.shapes import TIME


@dataclass(frozen=True)
class Moment:
    """A stretch of a stream that was predicted before it was seen.

    Args:
        start: seconds into the stream of the last frame that the prediction knew.
        end: seconds of the last frame that it is scored on.
        surprise: of what was seen; see `foresight.watch.surprise`.
        error: mean squared error of the candidate in the middle, on the [0, 1] scale.
        copy_error: of copying the last frame that was known.
        predicted: that candidate.
        observed: what was seen.
    """

    start: float
    end: float
    surprise: float
    error: float
    copy_error: float
    predicted: Float[Tensor, "rgb=3 frame height width"]
    observed: Float[Tensor, "rgb=3 frame height width"]


class Watcher:
    """Scores predictions of a stream, and keeps no more of its frames than one prediction needs.

    Each prediction is made from frames that were observed, never from imagined ones. After a gap the context is
    collected anew.

    Args:
        model: the world model.
        instruction: what is done at the end of the first context, as far as one knows; the model's continuation
                follows.
        prediction_stride: frames between two predictions, each scored on all of them; a multiple of 8.
        sampling: of each prediction, with the same seeds for all; at least 2 candidates, because surprise is measured
            in units of their spread.

    Raises:
        UserError: if `prediction_stride` or the number of candidates is not such a number.
    """

    def __init__(self, model: WorldModel, *, instruction: str, prediction_stride: int, sampling: Sampling) -> None:
        if prediction_stride < TIME or prediction_stride % TIME:
            raise UserError(
                expected=f"prediction_stride= a multiple of {TIME} frames",
                got=str(prediction_stride),
                remedy=f"choose prediction_stride={TIME}",
            )
        if sampling.candidates < 2:
            raise UserError(
                expected="at least 2 candidates to tell surprise from uncertainty",
                got=str(sampling.candidates),
                remedy="choose candidates=8",
            )
        self._model, self._stride = model, prediction_stride
        self._context = model.sampling_config.context_frames
        self._instruction = instruction
        self._sampling = sampling
        self._seen: deque[StreamFrame] = deque(maxlen=self._context + prediction_stride)
        self._pending: Prediction | None = None
        self.unread = 0
        """Number of contexts outside the model's domain: nothing is predicted from them, and nothing is an event."""
        self.domain: DomainCheck | None = None
        """Of the last context."""

    @property
    def buffer_size(self) -> int:
        """Largest number of frames that are kept."""
        return self._context + self._stride

    def push(self, frame: StreamFrame) -> Moment | None:
        """Take one frame; returns a moment when it completes the frames of a prediction."""
        if not frame.follows:
            self._seen.clear()
            self._pending = None
        self._seen.append(frame)
        if self._pending is None:
            if len(self._seen) == self._context:
                self._predict()
            return None
        if len(self._seen) < self._context + self._stride:
            return None
        moment = self._score(self._pending)
        while len(self._seen) > self._context:
            self._seen.popleft()
        self._predict()
        return moment

    def _predict(self) -> None:
        context = torch.stack([one.frame for one in self._seen], dim=1)
        self._pending, self.domain = None, check_domain(self._model, context)
        if self.domain.state == "out":
            self.unread += 1
            for _ in range(min(self._stride, len(self._seen))):
                self._seen.popleft()
            return
        self._pending = self._model.predict_batch(context[None], [self._instruction], self._stride, self._sampling)[0]
        # What is done happens once; later predictions go on from there, as the chunks of a rollout do.
        if self._model.sampling_config.continuation is not None:
            self._instruction = self._model.sampling_config.continuation

    def _score(self, prediction: Prediction) -> Moment:
        seen = list(self._seen)
        observed = torch.stack([one.frame for one in seen[self._context :]], dim=1)
        predicted = self._model.shown(prediction).cpu()
        copied = copy_last_frame(prediction.context[None].cpu(), self._stride)
        return Moment(
            start=seen[self._context - 1].seconds,
            end=seen[-1].seconds,
            surprise=float(surprise(self._model, [prediction], observed[None])[0]),
            error=float(mse(predicted[None], observed[None]).mean()),
            copy_error=float(mse(copied, observed[None]).mean()),
            predicted=predicted,
            observed=observed,
        )
