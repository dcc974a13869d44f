"""Sampling a future chunk by chunk, each on the last frames of the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from adapters import Conditioning, LatentForecast
from foresight.errors import UserError
from foresight.world.denoiser import FutureBranches, FutureDenoiser, Given
from foresight.world.prediction import StageSeconds
from foresight.world.request import NoiseLevel
from ltx.flow.guidance import GuidedDenoiser
from ltx.flow.noise import draw_noise
from ltx.flow.path import interpolate
from ltx.flow.plan import Guidance, GuidancePlan
from ltx.flow.sampler import Denoiser, StochasticStep, euler_step, sample
from ltx.shapes import TIME, LatentShape, from_tokens

if TYPE_CHECKING:
    from foresight.world.world_model import WorldModel

Progress = Callable[[str, int, int], None]
"""Told a stage and how much of it is done: ("sampling", 3, 8)."""

UNKNOWN_ERROR = 0.85
"""Where the forecast of an adapter that does not know its error enters: of the levels measured in
`experiments/noise_levels`, the one at which the flow repairs most and the forecast still has a say."""

Frames = Float[Tensor, "row rgb=3 frame height width"]
Latents = Float[Tensor, "row channel latent_frame latent_row latent_column"]


class Rollout:
    """One run of a world model over a batch of rows (clips × candidates), and what it has cost so far.

    Args:
        model: the world model.
        chunks: how many chunks there will be.
        steps: Euler steps of a full schedule.
        generators: one per row.
        progress: told what is being done.

    Attributes:
        levels: the noise level at which the flow is entered, one for all clips or one per clip; set by `enter`.
        evaluations: transformer evaluations per row, of each level.
        seconds: time spent in each stage.
    """

    def __init__(
        self,
        model: WorldModel,
        *,
        chunks: int,
        steps: int,
        generators: list[torch.Generator],
        progress: Progress,
    ) -> None:
        self.model = model
        self.chunks = chunks
        self.steps = steps
        self.generators = generators
        self.progress = progress
        self.levels = [1.0]
        self.evaluations = [0]
        self.seconds = StageSeconds()
        self._sigmas = [torch.ones(0)]
        self._done = 0

    @property
    def finished(self) -> bool:
        """Whether all chunks are there."""
        return self._done == self.chunks

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the wall-clock time of a block to a stage."""
        start = perf_counter()
        yield
        if self.model.device.type == "cuda":
            torch.cuda.synchronize(self.model.device)
        self.seconds = replace(self.seconds, **{name: getattr(self.seconds, name) + perf_counter() - start})

    def enter(self, noise_level: NoiseLevel, conditioning: Conditioning, tokens: int) -> None:
        """Choose where the flow is entered.

        Args:
            noise_level: the level, or "auto" for the error that the adapter expects of its forecast.
            conditioning: what the adapter said of each clip.
            tokens: latent tokens of context and chunk.

        Raises:
            UserError: if the level needs a forecast, or a forecast's error, that the adapter does not give.
        """
        plan, forecast = self.model.plan, conditioning.forecast
        levels = _own_levels(forecast, plan.decode_timestep) if noise_level == "auto" else [noise_level]
        if min(levels) < 1 and forecast is None:
            raise UserError(
                expected="noise_level=1 for a model whose adapter makes no latent forecast",
                got=f"noise_level={min(levels)}",
                remedy="predict from pure noise, or load an adapter with a forecast (linear, mlp, latent)",
            )
        self.levels, self.evaluations = levels, [0] * len(levels)
        # At the decoder's own level the forecast needs no transformer.
        self._sigmas = [
            torch.ones(0) if level <= plan.decode_timestep else plan.sigmas(level, self.steps, tokens)
            for level in levels
        ]

    def chunk(self, context_latents: Latents, problem: Given, conditioning: Conditioning) -> tuple[Frames, Latents]:
        """Frames and latents of the next chunk.

        Args:
            context_latents: clean latents before it, for the decoder.
            problem: what the transformer is given.
            conditioning: what the adapter said, for its forecast.
        """
        model = self.model
        rows, channels, _, height, width = context_latents.shape
        shape = LatentShape(model.plan.chunk_frames // TIME, height, width)
        with self.stage("sampling"):
            noise = draw_noise(context_latents.new_empty(rows, shape.tokens, channels), self.generators)
            forecast = None if conditioning.forecast is None else conditioning.forecast.latents.float()
            latents = from_tokens(self._sampled(problem, forecast, noise), shape)
        with self.stage("decoding"):
            video = model.decode(torch.cat([context_latents, latents], dim=2), self.generators)
        self._done += 1
        self.progress("decoding", self._done, self.chunks)
        return video[:, :, -model.plan.chunk_frames :], latents

    def _sampled(
        self,
        problem: Given,
        forecast: Float[Tensor, "row token channel"] | None,
        noise: Float[Tensor, "row token channel"],
    ) -> Float[Tensor, "row token channel"]:
        """Clean tokens of all rows; clips that enter at levels of their own are sampled one after the other."""
        if len(self.levels) == 1:
            return self._entered(0, problem, forecast, noise, self.generators)
        clips = torch.arange(len(noise)).chunk(len(self.levels))
        parts = []
        for index, clip in enumerate(clips):
            guess = None if forecast is None else forecast[clip]
            generators = [self.generators[row] for row in clip.tolist()]
            parts.append(self._entered(index, problem.select(clip.tolist()), guess, noise[clip], generators))
        return torch.cat(parts)

    def _entered(
        self,
        index: int,
        problem: Given,
        forecast: Float[Tensor, "row token channel"] | None,
        noise: Float[Tensor, "row token channel"],
        generators: list[torch.Generator],
    ) -> Float[Tensor, "row token channel"]:
        """Clean tokens of the rows of one level."""
        sigmas, total = self._sigmas[index], self.chunks * sum(map(len, self._sigmas))
        before = self._done * sum(map(len, self._sigmas)) + sum(map(len, self._sigmas[:index]))
        tokens = noise if forecast is None or self.levels[index] >= 1 else forecast
        if not len(sigmas):
            return tokens
        if tokens is not noise:
            tokens = interpolate(tokens, noise, sigmas[:1, None].to(noise))
        self.evaluations[index] += len(sigmas) * (2 if self.model.plan.guidance > 1 else 1)
        return sample(
            self.denoiser(problem),
            tokens,
            sigmas.to(self.model.device),
            step=StochasticStep(generators) if self.model.plan.stochastic else euler_step,
            on_step=lambda step: self.progress("sampling", before + step.step, total),
        )

    def denoiser(self, problem: Given) -> Denoiser:
        """Velocity of a chunk under what is given, guided if the plan says so."""
        scale = self.model.plan.guidance
        if scale == 1:
            return FutureDenoiser(self.model.transformer, problem)
        # Training drops the instruction by giving the empty sentence.
        without = self.model.text([""] * len(problem.latents))
        plan = GuidancePlan.constant(Guidance(scale=scale))
        return GuidedDenoiser(FutureBranches(self.model.transformer, problem, without), plan)

    def advance(self, video: Frames, known: int, instructions: list[str]) -> tuple[Frames, Latents]:
        """The next chunk after what was seen and imagined so far.

        The VAE's first latent covers one frame, every other eight with all frames before them in view. A predicted
        latent that moves to the front, or loses what lay before it, is none that training has seen. So the last frames
        are encoded again as a clip of their own; measured, that drifts less than carrying the latents. The plan's
        `carried_noise` is mixed in, and told to the transformer as the time of the context.

        Args:
            video: all frames so far.
            known: latent frames of context.
            instructions: one per row.
        """
        model, level = self.model, self.model.plan.carried_noise
        recent = video[:, :, -((known - 1) * TIME + 1) :]
        with self.stage("encoding"):
            context_latents = model.encode(recent)
        with self.stage("features"):
            features = model.features(recent, instructions)
        noisy = torch.lerp(context_latents, draw_noise(context_latents, self.generators), level)
        with self.stage("conditioning"):
            text = model.text(instructions)
            frames = model.plan.chunk_frames // TIME
            conditioning, problem = model.given(noisy, features, text, frames, noise_level=level)
        return self.chunk(context_latents, problem, conditioning)


def _own_levels(forecast: LatentForecast | None, lowest: float) -> list[float]:
    """Where a forecast enters if nobody says: at the error that the adapter expects, per clip, at most 1."""
    if forecast is None:
        return [1.0]
    if forecast.log_variance is None:
        return [UNKNOWN_ERROR]
    errors = forecast.log_variance.float().exp().mean(dim=(1, 2)).sqrt()
    return errors.clamp(lowest, 1.0).tolist()
