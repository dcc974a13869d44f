"""The card of videos without true states: scores of predictions by pictures alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from foresight.data.source import ClipSource
from foresight.errors import UserError
from foresight.evaluation.benchmarks import Measured
from foresight.evaluation.extremes import Extremes, ShownClip
from foresight.evaluation.gates import Gate, at_least, surely_above, weakest
from foresight.evaluation.prediction.card import COPY, EXTENDED, LINEAR, MODEL, TEXT, VAE_RECONSTRUCTION
from foresight.evaluation.prediction.forced_choice import choose
from foresight.evaluation.prediction.picture_scores import PictureScores
from foresight.metrics.baselines import copy_last_frame, linear_extrapolation
from foresight.metrics.picture import gradient_energy, moving_mse, mse, ssim
from foresight.metrics.statistics import Estimate, difference_of_means, mean, ratio_of_means, skill
from foresight.progress import Progress, silent
from foresight.results.values import ClipValues, clip_values
from foresight.world.domain import reconstruct
from foresight.world.sampling import NoiseLevel, Sampling
from foresight.world.variants import without_adapter
from foresight.world.world_model import WorldModel

OTHER_INSTRUCTION = "prediction, another clip's instruction"
BASELINES = (COPY, LINEAR, EXTENDED)
"""Methods that a prediction has to beat."""
OPTIONS = ("true", "frozen", "blurred", "another clip's")

Videos = Float[Tensor, "batch rgb=3 frame height width"]
Method = Callable[[Videos, list[str], int], Videos]


@dataclass(frozen=True)
class VideoCard:
    """Results of a benchmark on videos.

    Args:
        methods: scores by name.
        chosen: (clips,): which of `OPTIONS` the prediction lies nearest to, by absolute error.
        extremes: clips that were predicted worst and best.
    """

    methods: dict[str, PictureScores]
    chosen: np.ndarray
    extremes: Extremes

    def values(self, seed: int) -> tuple[ClipValues, ...]:
        """Per-clip values of every method."""
        return tuple(
            clip_values(
                names := [f"clip {row}" for row in range(len(values))], name, metric, values, [seed] * len(names)
            )
            for name, scores in self.methods.items()
            for metric, values in scores.metrics.items()
        )

    def table(self) -> list[dict[str, str]]:
        """One row per method."""
        return [scores.row(name, self.methods[COPY]) for name, scores in self.methods.items()]

    def figures(self) -> dict[str, Estimate]:
        """Figures by name, with intervals."""
        model, copy = self.methods[MODEL], self.methods[COPY]
        beside = {name: self.methods[name] for name in (*BASELINES, TEXT, OTHER_INSTRUCTION) if name in self.methods}
        figures = {f"skill over {name} (MSE)": skill(model.error, other.error) for name, other in beside.items()}
        figures["skill over copy (SSIM)"] = skill(1 - model.ssim.mean(axis=1), 1 - copy.ssim.mean(axis=1))
        figures |= {f"forced choice: {option}": mean(self.chosen == row) for row, option in enumerate(OPTIONS)}
        figures["sharpness / VAE reconstruction's"] = self._sharpness
        figures |= {f"skill over copy at {frame}": found for frame, found in model.skills(copy).items()}
        return figures

    def gates(self) -> list[Gate]:
        """Gates: skill at every horizon over baselines without VLM, the true future recognised, and no blur."""
        gates = []
        for name in BASELINES:
            if name not in self.methods:
                continue
            frame, found = weakest(self.methods[MODEL].skills(self.methods[name]))
            gates.append(surely_above(f"skill over {name} at every frame (weakest: {frame})", found, 0))
        lead = difference_of_means(self.chosen == 0, self.chosen == 1)
        gates.append(surely_above("forced choice: true − frozen", lead, 0))
        gates.append(at_least("sharpness / VAE reconstruction's", self._sharpness, 0.7))
        return gates

    @property
    def _sharpness(self) -> Estimate:
        return ratio_of_means(self.methods[MODEL].sharpness, self.methods[VAE_RECONSTRUCTION].sharpness)


def evaluate_videos(
    methods: Mapping[str, Method],
    reconstruct: Callable[[Videos], Videos],
    clips: ClipSource,
    *,
    context: int,
    batch: int,
    progress: Progress = silent,
) -> VideoCard:
    """Predict and score clips.

    Args:
        methods: predictions by name, `MODEL` and `OTHER_INSTRUCTION` among them, from contexts, instructions and a
            number of frames. Copying and linear extrapolation are added.
        reconstruct: the VAE, the upper bound of any prediction.
        clips: of equal length.
        context: frames that are given; the others are predicted.
        batch: clips at once, at least 2: each is compared with the next one's future, too.
        progress: called with (done, total).

    Raises:
        UserError: if there are fewer than two clips, or nothing to predict.
    """
    collected: dict[str, list[PictureScores]] = {}
    chosen: list[np.ndarray] = []
    extremes = Extremes()
    for rows in _batches(len(clips), batch):
        found = clips.__getitems__(rows)
        contexts, futures = found.video[:, :, :context], found.video[:, :, context:]
        frames = futures.shape[2]
        if not frames:
            raise UserError(
                expected=f"clips of more than {context} frames, of which the later ones are predicted",
                got=f"{found.video.shape[2]} frames",
                remedy="give fewer frames of context, or longer clips",
            )
        videos = {name: method(contexts, list(found.instructions), frames) for name, method in methods.items()}
        frozen = copy_last_frame(contexts, frames)
        videos |= {
            COPY: frozen,
            LINEAR: linear_extrapolation(contexts, frames),
            VAE_RECONSTRUCTION: reconstruct(found.video)[:, :, -frames:],
        }
        for name, video in videos.items():
            collected.setdefault(name, []).append(_scores(video, futures, contexts[:, :, -1:]))
        for row, clip in enumerate(rows):
            extremes.add(
                ShownClip(
                    clip=f"clip {clip}",
                    instruction=found.instructions[row],
                    error=float(collected[MODEL][-1].error[row]),
                    frame_rate=found.frame_rate,
                    context=contexts[row],
                    observed=futures[row],
                    predicted=videos[MODEL][row],
                )
            )
        options = torch.stack([futures, frozen, (futures + frozen) / 2, futures.roll(-1, 0)], dim=1)
        chosen.append(choose(videos[MODEL], options).numpy())
        progress(rows[-1] + 1, len(clips))
    return VideoCard({name: _joined(parts) for name, parts in collected.items()}, np.concatenate(chosen), extremes)


class VideoBenchmark:
    """The card of videos, made of clips of any source.

    Args:
        clips: held-out clips of equal length, such as `VideoClips`.
        context: frames that are given.
        candidates: futures drawn per clip; scored is what `foresight predict` shows of them.
        noise_level: where the adapter's forecast enters the flow.
        batch: clips at once; see `evaluate_videos`.
        seed: of the first candidate.
        name: of the run's folder and of the marks in a page.

    Raises:
        ValueError: if batches hold fewer than two clips.
    """

    def __init__(
        self,
        *,
        clips: ClipSource,
        context: int,
        candidates: int,
        noise_level: NoiseLevel,
        batch: int,
        seed: int,
        name: str = "videos",
    ) -> None:
        if batch < 2:
            raise ValueError(f"expected batches of at least 2 clips, got {batch}")
        self.name = name
        self._clips, self._context, self._batch = clips, context, batch
        self._candidates, self._noise_level, self._seed = candidates, noise_level, seed

    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Predict and score every clip.

        Raises:
            UserError: if a video cannot be used, or there is nothing to compare.
        """
        self._clips.prepare()
        methods: dict[str, Method] = {
            MODEL: lambda contexts, texts, frames: self._predict(model, contexts, texts, frames),
            OTHER_INSTRUCTION: lambda contexts, texts, frames: self._predict(
                model, contexts, [*texts[1:], texts[0]], frames
            ),
            EXTENDED: lambda contexts, texts, frames: self._predict_alone(model, contexts, [""] * len(texts), frames),
        }
        if model.adapter is not None:
            methods[TEXT] = lambda contexts, texts, frames: self._predict_alone(model, contexts, texts, frames)
        card = evaluate_videos(
            methods,
            lambda videos: reconstruct(model, videos),
            self._clips,
            context=self._context,
            batch=self._batch,
            progress=progress,
        )
        return Measured(
            {"methods": card.table()},
            card.figures(),
            gates=tuple(card.gates()),
            values=card.values(self._seed),
            extremes=card.extremes,
        )

    def _predict(self, model: WorldModel, contexts: Videos, texts: list[str], frames: int) -> Videos:
        found = model.predict_batch(
            contexts,
            texts,
            frames,
            Sampling(self._candidates, self._noise_level if model.adapter is not None else "auto", self._seed),
        )
        return torch.stack([model.shown(one) for one in found]).cpu()

    def _predict_alone(self, model: WorldModel, contexts: Videos, texts: list[str], frames: int) -> Videos:
        with without_adapter(model) as alone:
            return self._predict(alone, contexts, texts, frames)


def _batches(count: int, size: int) -> list[list[int]]:
    """Rows in order, in batches of at least two: one left over joins the batch before it."""
    if count < 2:
        raise UserError(expected="at least two clips to compare", got=str(count), remedy="list more clips")
    starts = list(range(0, count, size))
    if count - starts[-1] < 2:
        starts.pop()
    return [list(range(first, last)) for first, last in zip(starts, [*starts[1:], count], strict=True)]


def _scores(video: Videos, future: Videos, last: Videos) -> PictureScores:
    sharpness = gradient_energy(video).mean(dim=1) / gradient_energy(future).mean(dim=1).clamp(min=1e-12)
    return PictureScores(
        mse(video, future).numpy(),
        ssim(video, future).numpy(),
        sharpness.numpy(),
        moving_mse(video, future, last).numpy(),
    )


def _joined(parts: Sequence[PictureScores]) -> PictureScores:
    return PictureScores(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("mse", "ssim", "sharpness", "moving"))
    )
