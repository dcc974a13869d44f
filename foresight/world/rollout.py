"""Sampling a future chunk by chunk, each on the last frames of the one before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter

import torch
from jaxtyping import Float
from torch import Tensor

from adapters import Conditioning, LatentForecast, VLMFeatures
from foresight.errors import UserError
from foresight.progress import StageProgress, silent_stage
from foresight.world.denoiser import ConditionedSequence, FutureBranches, FutureDenoiser
from foresight.world.parts import WorldParts
from foresight.world.prediction import StageSeconds
from foresight.world.sampling import NoiseLevel
from ltx.flow.guidance import GuidedDenoiser
from ltx.flow.guidance_schedule import Guidance, GuidanceSchedule
from ltx.flow.noise import draw_noise
from ltx.flow.path import interpolate
from ltx.flow.sampler import Denoiser, StochasticStep, euler_step, sample
from ltx.shapes import TIME, LatentShape, from_tokens

UNKNOWN_ERROR = 0.85
"""Where the forecast of an adapter that does not know its error enters: of the levels measured in
`experiments/noise_levels`, the one at which the flow repairs most and the forecast still has a say."""

Frames = Float[Tensor, "row rgb=3 frame height width"]
Latents = Float[Tensor, "row channel latent_frame latent_row latent_column"]


@dataclass(frozen=True)
class Observation:
    """Observed clips, encoded, and what the future is conditioned on: computed once for all candidates of a clip.

    Args:
        frames: the last observed ones, as many as the video model takes, in [−1, 1].
        latents: their normalised latents.
        features: of the VLM; None for a model without one.
        conditioning: output of the adapter.
        sequence: context of the first chunk to be sampled.
    """

    frames: Float[Tensor, "clip rgb=3 context height width"]
    latents: Float[Tensor, "clip channel latent_context row column"]
    features: VLMFeatures | None
    conditioning: Conditioning
    sequence: ConditionedSequence

    @property
    def tokens(self) -> int:
        """Latent tokens of context and chunk."""
        return self.sequence.coordinates.shape[2]

    @property
    def unforecast(self) -> tuple[str, ...]:
        """Kinds of conditioning without the forecast, which pure noise knows nothing of."""
        return tuple(kind for kind in self.conditioning.kinds if kind != "forecast")


class Rollout:
    """One run of a world model over a batch of rows (clips × candidates), and what it has cost so far.

    Args:
        parts: of the world model.
        chunks: how many chunks there will be.
        steps: Euler steps of a full schedule.
        generators: one per row.
        progress: called after every step and chunk.

    Attributes:
        levels: the noise level at which the flow is entered, one for all clips or one per clip; set by `enter`.
        evaluations: transformer evaluations per row, of each level.
        seconds: time spent in each stage.
    """

    def __init__(
        self,
        parts: WorldParts,
        *,
        chunks: int,
        steps: int,
        generators: list[torch.Generator],
        progress: StageProgress = silent_stage,
    ) -> None:
        self.parts = parts
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
        """True when all chunks are sampled."""
        return self._done == self.chunks

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the wall-clock time of a block to a stage."""
        start = perf_counter()
        yield
        if self.parts.device.type == "cuda":
            torch.cuda.synchronize(self.parts.device)
        self.seconds = replace(self.seconds, **{name: getattr(self.seconds, name) + perf_counter() - start})

    def observe(
        self, contexts: Float[Tensor, "clip rgb=3 frame height width"], instructions: Sequence[str], frames: int
    ) -> Observation:
        """Encode observed clips and condition the next latent frames on them.

        Args:
            contexts: observed frames in [−1, 1]; the VLM sees all, the video model the last ones.
            instructions: one per clip.
            frames: latent frames to predict.
        """
        parts = self.parts
        whole = contexts.to(parts.device, torch.float32)
        seen = whole[:, :, -parts.sampling_config.context_frames :]
        with self.stage("features"):
            features = parts.features(whole, instructions)
        with self.stage("encoding"):
            latents = parts.encode(seen)
        with self.stage("conditioning"):
            conditioning, sequence = parts.condition(latents, features, parts.text(instructions), frames)
        return Observation(seen, latents, features, conditioning, sequence)

    def enter(self, noise_level: NoiseLevel, conditioning: Conditioning, tokens: int) -> None:
        """Choose where the flow is entered.

        Args:
            noise_level: the level, or "auto" for the error that the adapter expects of its forecast.
            conditioning: output of the adapter for each clip.
            tokens: latent tokens of context and chunk.

        Raises:
            UserError: if the level needs a forecast, or a forecast's error, that the adapter does not give.
        """
        config, forecast = self.parts.sampling_config, conditioning.forecast
        levels = _own_levels(forecast, config.decode_timestep) if noise_level == "auto" else [noise_level]
        if min(levels) < 1 and forecast is None:
            raise UserError(
                expected="noise_level=1 for a model whose adapter makes no latent forecast",
                got=f"noise_level={min(levels)}",
                remedy="predict from pure noise, or load an adapter with a forecast (linear, mlp, latent)",
            )
        self.levels, self.evaluations = levels, [0] * len(levels)
        # At the decoder's own level the forecast needs no transformer.
        self._sigmas = [
            torch.ones(0) if level <= config.decode_timestep else config.sigmas(level, self.steps, tokens)
            for level in levels
        ]

    def chunk(
        self, context_latents: Latents, sequence: ConditionedSequence, conditioning: Conditioning
    ) -> tuple[Frames, Latents]:
        """Frames and latents of the next chunk.

        Args:
            context_latents: clean latents before it, for the decoder.
            sequence: context that the transformer is conditioned on.
            conditioning: output of the adapter, for its forecast.
        """
        parts = self.parts
        rows, channels, _, height, width = context_latents.shape
        shape = LatentShape(parts.sampling_config.chunk_frames // TIME, height, width)
        with self.stage("sampling"):
            noise = draw_noise(context_latents.new_empty(rows, shape.tokens, channels), self.generators)
            forecast = None if conditioning.forecast is None else conditioning.forecast.latents.float()
            latents = from_tokens(self._sampled(sequence, forecast, noise), shape)
        with self.stage("decoding"):
            video = parts.decode(torch.cat([context_latents, latents], dim=2), self.generators)
        self._done += 1
        self.progress("decoding", self._done, self.chunks)
        return video[:, :, -parts.sampling_config.chunk_frames :], latents

    def _sampled(
        self,
        sequence: ConditionedSequence,
        forecast: Float[Tensor, "row token channel"] | None,
        noise: Float[Tensor, "row token channel"],
    ) -> Float[Tensor, "row token channel"]:
        """Clean tokens of all rows; clips that enter at levels of their own are sampled one after the other."""
        if len(self.levels) == 1:
            return self._entered(0, sequence, forecast, noise, self.generators)
        clips = torch.arange(len(noise)).chunk(len(self.levels))
        sampled = []
        for index, clip in enumerate(clips):
            guess = None if forecast is None else forecast[clip]
            generators = [self.generators[row] for row in clip.tolist()]
            sampled.append(self._entered(index, sequence.select(clip.tolist()), guess, noise[clip], generators))
        return torch.cat(sampled)

    def _entered(
        self,
        index: int,
        sequence: ConditionedSequence,
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
        self.evaluations[index] += len(sigmas) * (2 if self.parts.sampling_config.guidance > 1 else 1)
        return sample(
            self.denoiser(sequence),
            tokens,
            sigmas.to(self.parts.device),
            step=StochasticStep(generators) if self.parts.sampling_config.stochastic else euler_step,
            on_step=lambda step: self.progress("sampling", before + step.step, total),
        )

    def denoiser(self, sequence: ConditionedSequence) -> Denoiser:
        """Conditional velocity of a chunk, with classifier-free guidance if the model has it."""
        scale = self.parts.sampling_config.guidance
        if scale == 1:
            return FutureDenoiser(self.parts.transformer, sequence)
        # Training drops the instruction by the empty sentence.
        without = self.parts.text([""] * len(sequence.latents))
        schedule = GuidanceSchedule.constant(Guidance(scale=scale))
        return GuidedDenoiser(FutureBranches(self.parts.transformer, sequence, without), schedule)

    def advance(self, video: Frames, known: int, instructions: list[str]) -> tuple[Frames, Latents]:
        """Frames and latents of the chunk after all frames so far.

        The VAE's first latent covers one frame, every other eight with all frames before them in view. A predicted
        latent that moves to the front, or loses what lay before it, is none that training has seen. So the last frames
        are encoded again as a clip of their own; measured, that drifts less than carrying the latents. The model's
        `carried_noise` is mixed in, and is the timestep of the context.

        Args:
            video: all frames so far.
            known: latent frames of context.
            instructions: one per row.
        """
        parts, level = self.parts, self.parts.sampling_config.carried_noise
        recent = video[:, :, -((known - 1) * TIME + 1) :]
        with self.stage("encoding"):
            context_latents = parts.encode(recent)
        with self.stage("features"):
            features = parts.features(recent, instructions)
        noisy = torch.lerp(context_latents, draw_noise(context_latents, self.generators), level)
        with self.stage("conditioning"):
            text = parts.text(instructions)
            frames = parts.sampling_config.chunk_frames // TIME
            conditioning, sequence = parts.condition(noisy, features, text, frames, noise_level=level)
        return self.chunk(context_latents, sequence, conditioning)


def _own_levels(forecast: LatentForecast | None, lowest: float) -> list[float]:
    """Noise level per clip at which a forecast enters by default: the error that the adapter expects, at most 1."""
    if forecast is None:
        return [1.0]
    if forecast.log_variance is None:
        return [UNKNOWN_ERROR]
    errors = forecast.log_variance.float().exp().mean(dim=(1, 2)).sqrt()
    return errors.clamp(lowest, 1.0).tolist()
