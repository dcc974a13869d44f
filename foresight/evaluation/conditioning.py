"""The conditioning card: the gain of the VLM's features in flow loss, in several situations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from adapters import LatentForecast, VLMFeatures
from foresight.errors import UserError
from foresight.evaluation.benchmarks import Measured
from foresight.evaluation.simulated import BATCH, SimulatedBenchmark, contexts_and_futures, wrong_instruction
from foresight.metrics.conditioning_gain import conditioning_gain, describe_gain
from foresight.metrics.picture import mse
from foresight.metrics.statistics import Estimate, mean
from foresight.progress import Progress
from foresight.results.values import ClipValues, clip_values
from foresight.world.denoiser import FutureDenoiser
from foresight.world.flow_error import flow_error
from foresight.world.sampling import Sampling
from foresight.world.variants import without_adapter
from foresight.world.world_model import WorldModel
from ltx.flow.noise import draw_noise, seeded
from ltx.shapes import SPACE, to_tokens
from ltx.text import TextConditioning

Videos = Float[Tensor, "batch rgb=3 frame height width"]
Losses = Float[Tensor, "batch level"]

SAME = "both know the same"
HEARD = "VLM alone hears the instruction"
EARLIER = "VLM alone sees earlier frames"
WHOLE = "VLM alone sees the whole picture"
SITUATIONS = (SAME, HEARD, EARLIER, WHOLE)
INSTRUCTED_VLM, INSTRUCTED_TEXT = "instruction alone, VLM", "instruction alone, text encoder"
TRUE, OTHER, NONE = "true", "another", "none"
OVER_OTHER, OVER_NONE = "gain over another", "gain over none"
MOVED, MOVED_BY_SEED = "adapter moves the video by (grey levels)", "another seed moves it by (grey levels)"


@dataclass(frozen=True)
class Situation:
    """Inputs of the video model, and the future; the VLM knows everything.

    Args:
        context: clean latents that it is given.
        future: tokens of the true latents after them.
        text: of its own text encoder.
        time_offset: seconds by which its clock starts after the VLM's.
    """

    context: Float[Tensor, "batch channel latent_context row column"]
    future: Float[Tensor, "batch token channel"]
    text: TextConditioning
    time_offset: float


@dataclass(frozen=True, kw_only=True)
class ConditioningBenchmark(SimulatedBenchmark):
    """Held-out flow losses with the true conditioning, with another clip's, and with none, all under the same noise.

    *Gain* is 1 − loss / reference loss, mean over noise levels. Beside the plain comparison, the VLM's worth is
    measured where it alone knows something, so that the context latents do not hide it.

    Args:
        filmed: number of clips that are predicted, to measure how far the adapter moves the picture.
        levels: noise levels in (0, 1], one per bucket.
        noise_level: at which predictions of an adapter with a forecast start; others start from noise.
        seed: of the noise.
    """

    filmed: int
    levels: Sequence[float]
    noise_level: float
    seed: int
    name = "conditioning"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.clips < 2 or not 0 < self.filmed <= self.clips:
            raise ValueError(f"expected at least 2 clips and some of them filmed, got {self.clips} and {self.filmed}")
        if not self.levels or not all(0 < level <= 1 for level in self.levels):
            raise ValueError(f"expected noise levels in (0, 1], got {list(self.levels)}")

    @torch.no_grad()
    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Measure every clip.

        Raises:
            UserError: if the model has no adapter.
        """
        if model.adapter is None:
            raise UserError(
                expected="a world model with an adapter", got="the video model alone", remedy="choose another model="
            )
        collected: dict[str, dict[str, list[Losses]]] = {}
        moved: list[tuple[float, float]] = []
        done = 0
        for clips in self.held_out.batches(BATCH):
            contexts, futures = (part.to(model.device) for part in contexts_and_futures(clips))
            true, wrong = [clip.instruction for clip in clips], [wrong_instruction(clip) for clip in clips]
            for row, losses in self._losses(model, contexts, futures, true, wrong, done).items():
                for kind, values in losses.items():
                    collected.setdefault(row, {}).setdefault(kind, []).append(values.cpu())
            if done < self.filmed:
                count = min(self.filmed - done, len(clips))
                moved += self._moved(model, contexts[:count], true[:count], futures.shape[2])
            done += len(clips)
            progress(done, self.clips)
        found = {
            row: {kind: torch.cat(part).numpy() for kind, part in kinds.items()} for row, kinds in collected.items()
        }
        card = measured(found, np.asarray(moved), self.levels)
        return replace(card, values=loss_values(found, self.held_out.names, self.levels))

    def _losses(
        self,
        model: WorldModel,
        contexts: Videos,
        futures: Videos,
        true: list[str],
        wrong: list[str],
        first: int,
    ) -> dict[str, dict[str, Losses]]:
        """Losses of a batch: situation → which conditioning → clip and level."""
        features, wrong_features = model.features(contexts, true), model.features(contexts, wrong)
        assert features is not None and wrong_features is not None and model.adapter is not None
        cases = {name: situation(model, name, contexts, futures, true) for name in SITUATIONS}
        noise = draw_noise(cases[SAME].future, seeded([self.seed + first + row for row in range(len(true))]))
        # Another clip's: the next one of the batch.
        others = torch.arange(len(true)).roll(1)
        found = {
            name: {
                TRUE: self._one(model, case, features, noise),
                OTHER: self._one(model, case, features.select(others), noise),
            }
            for name, case in cases.items()
        }
        heard = cases[HEARD]
        found[INSTRUCTED_VLM] = {TRUE: found[HEARD][TRUE], OTHER: self._one(model, heard, wrong_features, noise)}
        forecasts = "forecast" in model.adapter.provides
        with without_adapter(model) as unadapted:
            for name, case in cases.items():
                found[name][NONE] = self._one(unadapted, case, None, noise, zeros=forecasts)
            found[INSTRUCTED_VLM][NONE] = found[HEARD][NONE]
            same = cases[SAME]
            found[INSTRUCTED_TEXT] = {
                TRUE: self._one(unadapted, same, None, noise),
                OTHER: self._one(unadapted, replace(same, text=model.text(wrong)), None, noise),
                NONE: self._one(unadapted, heard, None, noise),
            }
        return found

    def _one(
        self,
        model: WorldModel,
        case: Situation,
        features: VLMFeatures | None,
        noise: Tensor,
        *,
        zeros: bool = False,
    ) -> Losses:
        """Losses under some features; `zeros` is a forecast of the mean of all latents instead of the adapter's."""
        if features is not None and case.time_offset:
            features = features.shift(-case.time_offset)
        frames = case.future.shape[1] // (case.context.shape[3] * case.context.shape[4])
        conditioning, given = model.condition(case.context, features, case.text, frames)
        forecast = LatentForecast(torch.zeros_like(case.future), None) if zeros else conditioning.forecast
        return flow_error(FutureDenoiser(model.transformer, given), case.future, noise, self.levels, forecast)

    def _moved(self, model: WorldModel, contexts: Videos, true: list[str], frames: int) -> list[tuple[float, float]]:
        """Per clip, RMS difference that the adapter makes to the predicted video, and that another seed makes."""
        assert model.adapter is not None
        level = self.noise_level if "forecast" in model.adapter.provides else 1.0

        def film(world: WorldModel, level: float, seed: int) -> Videos:
            drawn = world.predict_batch(contexts, true, frames, Sampling(noise_level=level, seed=seed))
            return torch.stack([prediction.video[0] for prediction in drawn]).cpu()

        adapted = film(model, level, self.seed)
        with without_adapter(model) as unadapted:
            plain, again = film(unadapted, 1.0, self.seed), film(unadapted, 1.0, self.seed + 1)
        by_adapter, by_seed = (mse(video, plain).mean(dim=1).sqrt() * 255 for video in (adapted, again))
        return list(zip(by_adapter.tolist(), by_seed.tolist(), strict=True))


def situation(model: WorldModel, name: str, contexts: Videos, futures: Videos, true: list[str]) -> Situation:
    """One of `SITUATIONS` for a batch of clips."""
    if name == EARLIER:
        # The last frame stays: a clip of its own for the VAE, whose first latent covers one frame.
        latents = model.encode(torch.cat([contexts[:, :, -1:], futures], dim=2))
        offset = (contexts.shape[2] - 1) / model.sampling_config.frame_rate
        return Situation(latents[:, :, :1], to_tokens(latents[:, :, 1:]), model.text(true), offset)
    latents = model.encode(torch.cat([contexts, futures], dim=2))
    known = model.encode(contexts)
    future = to_tokens(latents[:, :, known.shape[2] :])
    if name == WHOLE:
        known = model.encode(half_hidden(contexts))
    text = model.text([""] * len(true) if name == HEARD else true)
    return Situation(known, future, text, 0.0)


def half_hidden(videos: Videos) -> Videos:
    """The left half of every even clip and the right half of every odd one, painted over with the median colour."""
    half = max(SPACE, videos.shape[4] // 2 // SPACE * SPACE)
    colour = videos.flatten(2).median(dim=2).values[:, :, None, None, None]
    left = torch.arange(len(videos), device=videos.device) % 2 == 0
    column = torch.arange(videos.shape[4], device=videos.device)
    hidden = torch.where(left[:, None], column < half, column >= videos.shape[4] - half)
    return torch.where(hidden[:, None, None, None], colour, videos)


def measured(
    losses: dict[str, dict[str, np.ndarray]], moved: Float[np.ndarray, "clip 2"], levels: Sequence[float]
) -> Measured:
    """Tables and figures of per-clip losses: row → which conditioning → (clip, level)."""
    figures: dict[str, Estimate] = {}
    rows = []
    for name, kinds in losses.items():
        over_other = conditioning_gain(kinds[TRUE], kinds[OTHER])
        over_none = conditioning_gain(kinds[TRUE], kinds[NONE])
        figures[f"{OVER_OTHER}, {name}"] = over_other
        figures[f"{OVER_NONE}, {name}"] = over_none
        rows.append({"": name, **_means(kinds), **_gains(over_other, over_none)})
    same = losses[SAME]
    buckets = []
    for index, level in enumerate(levels):
        column = {kind: values[:, index : index + 1] for kind, values in same.items()}
        gains = (conditioning_gain(column[TRUE], column[kind]) for kind in (OTHER, NONE))
        buckets.append({"σ": f"{level:g}", **_means(column), **_gains(*gains)})
    figures[MOVED], figures[MOVED_BY_SEED] = mean(moved[:, 0]), mean(moved[:, 1])
    moves = [{"effect": name, "RMS [95 % interval]": f"{figures[name]:.2f}"} for name in (MOVED, MOVED_BY_SEED)]
    line = describe_gain(figures[f"{OVER_OTHER}, {SAME}"])
    return Measured({line: rows, f"by noise level, {SAME}": buckets, "predicted video": moves}, figures)


def loss_values(
    losses: dict[str, dict[str, np.ndarray]], clips: Sequence[str], levels: Sequence[float]
) -> tuple[ClipValues, ...]:
    """Per-clip losses: a method per situation and conditioning, a metric per noise level."""
    return tuple(
        clip_values(clips, f"{name}: {kind}", f"flow loss at σ = {level:g}", values[:, index])
        for name, kinds in losses.items()
        for kind, values in kinds.items()
        for index, level in enumerate(levels)
    )


def _means(kinds: dict[str, np.ndarray]) -> dict[str, str]:
    return {f"loss, {kind}": f"{kinds[kind].mean():.3f}" for kind in (TRUE, OTHER, NONE)}


def _gains(over_other: Estimate, over_none: Estimate) -> dict[str, str]:
    return {OVER_OTHER: f"{over_other:.1%}", OVER_NONE: f"{over_none:.1%}"}
