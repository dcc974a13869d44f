"""What a verdict is based on: candidates, what happened, and how well the model's own flow explains both."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import torch
from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.evaluation.baselines import copy_last_frame
from foresight.future import FutureDenoiser
from foresight.prediction import Prediction
from foresight.verify.alternatives import alternatives
from foresight.world_model import WorldModel
from ltx.flow.noise import draw_noise, seeded
from ltx.flow.path import interpolate, velocity_between
from ltx.shapes import TIME, to_tokens


@dataclass(frozen=True)
class FlowLosses:
    """Mean squared velocity errors of the model on several futures, with the same noise for all of a clip.

    Args:
        observed: of what happened, under the clip's instruction.
        frozen: of the last frame standing still, under the clip's instruction.
        others: of what happened, under other instructions.
        candidates: of the model's own candidates, under the clip's instruction.
    """

    observed: Float[Tensor, "batch sigma"]
    frozen: Float[Tensor, "batch sigma"]
    others: Float[Tensor, "batch alternative sigma"]
    candidates: Float[Tensor, "batch candidate sigma"]


@dataclass(frozen=True)
class Evidence:
    """Clips with candidates for their future and what happened, over the frames that both reach.

    Args:
        context: the observed frames that the model was given.
        predicted: candidates.
        predicted_latents: their latents.
        observed: what happened.
        observed_latents: its latents, encoded behind the context.
        frozen_latents: latents of the last frame standing still.
        flow: only if a signal needs it.
        predicted_states: VLM states of context and candidates, only if a signal needs them.
        observed_states: VLM states of context and what happened.
    """

    context: Float[Tensor, "batch rgb=3 context height width"]
    predicted: Float[Tensor, "batch candidate rgb=3 frame height width"]
    predicted_latents: Float[Tensor, "batch candidate channel latent_frame row column"]
    observed: Float[Tensor, "batch rgb=3 frame height width"]
    observed_latents: Float[Tensor, "batch channel latent_frame row column"]
    frozen_latents: Float[Tensor, "batch channel latent_frame row column"]
    flow: FlowLosses | None = None
    predicted_states: Float[Tensor, "batch candidate token dim"] | None = None
    observed_states: Float[Tensor, "batch token dim"] | None = None

    @property
    def frozen(self) -> Float[Tensor, "batch rgb=3 frame height width"]:
        """The last context frame, standing still: what copying predicts."""
        return copy_last_frame(self.context, self.observed.shape[2])


@dataclass(frozen=True)
class Gathering:
    """How evidence is gathered; a verifier holds only for evidence gathered as it was fitted.

    Args:
        instructions: what else could have been done, for the contrast between instructions.
        count: how many other instructions are tried per clip.
        sigmas: noise levels of the flow losses.
        seed: of their noise.
    """

    instructions: tuple[str, ...]
    count: int = 3
    sigmas: tuple[float, ...] = field(default=(0.3, 0.5, 0.7, 0.9))
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "instructions", tuple(self.instructions))
        object.__setattr__(self, "sigmas", tuple(self.sigmas))
        if not self.sigmas or not all(0 < sigma < 1 for sigma in self.sigmas):
            raise ValueError(f"expected noise levels in (0, 1), got {self.sigmas}")
        if self.count < 1 or len(self.instructions) <= self.count:
            raise ValueError(f"expected more instructions than the {self.count} tried, got {len(self.instructions)}")


@torch.no_grad()
def gather(
    model: WorldModel,
    predictions: Sequence[Prediction],
    observed: Float[Tensor, "batch rgb=3 frame height width"],
    needs: Collection[str],
    how: Gathering,
) -> Evidence:
    """Evidence for a batch of predictions of one size and number of candidates.

    Args:
        model: the model that predicted.
        predictions: one per clip.
        observed: what happened, in [−1, 1]; as far as it goes, but at least 8 frames. What goes beyond the last
            multiple of 8, or beyond the prediction, is not looked at.
        needs: "flow" and "states", if signals need them.
        how: instructions and noise levels of the flow losses.

    Raises:
        UserError: if too little was observed, or it does not fit the predictions.
    """
    frames = min(observed.shape[2], predictions[0].video.shape[2]) // TIME * TIME
    if frames < TIME or len(observed) != len(predictions) or observed.shape[3:] != predictions[0].video.shape[3:]:
        raise UserError(
            expected=f"at least {TIME} observed and predicted frames of one size for each prediction",
            got=f"observed {tuple(observed.shape)}, {len(predictions)} predictions {tuple(predictions[0].video.shape)}",
            remedy="wait for more frames, or predict further",
        )
    if not bool(observed.isfinite().all()):
        raise UserError(expected="finite observed frames", got="NaN or infinity", remedy="check the video")
    context = torch.stack([prediction.context for prediction in predictions])
    seen = observed[:, :, :frames].to(context)
    known = torch.stack([prediction.context_latents for prediction in predictions])
    start = known.shape[2]
    frozen = copy_last_frame(context, frames)
    evidence = Evidence(
        context=context,
        predicted=torch.stack([prediction.video[:, :, :frames] for prediction in predictions]),
        predicted_latents=torch.stack([prediction.latents[:, :, : frames // TIME] for prediction in predictions]),
        observed=seen,
        observed_latents=model.encode(torch.cat([context, seen], dim=2))[:, :, start:],
        frozen_latents=model.encode(torch.cat([context, frozen], dim=2))[:, :, start:],
    )
    if "flow" in needs:
        evidence = replace(evidence, flow=_flow_losses(model, predictions, known, evidence, how))
    if "states" in needs:
        drawn, seen_states = _states(model, predictions, evidence)
        evidence = replace(evidence, predicted_states=drawn, observed_states=seen_states)
    return evidence


def _flow_losses(
    model: WorldModel,
    predictions: Sequence[Prediction],
    known: Float[Tensor, "batch channel latent_context row column"],
    evidence: Evidence,
    how: Gathering,
) -> FlowLosses:
    own = [prediction.instruction for prediction in predictions]
    tried = [alternatives(sentence, how.instructions, how.count) for sentence in own]
    candidates = evidence.predicted.shape[1]
    # One noise per clip, shared by all futures and instructions that are compared.
    tokens = to_tokens(evidence.observed_latents)
    noise = draw_noise(tokens, seeded([how.seed] * len(tokens)))
    every = rearrange(evidence.predicted_latents, "b c d f h w -> (b c) (f h w) d")
    futures = torch.cat([tokens, to_tokens(evidence.frozen_latents), every])
    noises = torch.cat([noise, noise, noise.repeat_interleave(candidates, 0)])
    rows = torch.arange(len(own)).tolist()
    clips = rows + rows + [row for row in rows for _ in range(candidates)]
    told = _velocity_errors(model, known, evidence.context, own, clips, futures, noises, how.sigmas)
    observed, frozen, drawn = told.split([len(own), len(own), len(own) * candidates])
    others = [
        _velocity_errors(model, known, evidence.context, list(sentences), rows, tokens, noise, how.sigmas)
        for sentences in zip(*tried, strict=True)
    ]
    return FlowLosses(
        observed=observed,
        frozen=frozen,
        others=torch.stack(others, dim=1),
        candidates=rearrange(drawn, "(b c) s -> b c s", c=candidates),
    )


def _velocity_errors(
    model: WorldModel,
    known: Float[Tensor, "clip channel latent_context row column"],
    context: Float[Tensor, "clip rgb=3 context height width"],
    instructions: list[str],
    clips: list[int],
    futures: Float[Tensor, "batch token channel"],
    noise: Float[Tensor, "batch token channel"],
    sigmas: Sequence[float],
) -> Float[Tensor, "batch sigma"]:
    """Mean squared error of the velocity at each noise level, for futures that belong to clips[i]."""
    features = model.features(context, instructions)
    frames = futures.shape[1] // (known.shape[3] * known.shape[4])
    _, problem = model.given(known, features, model.text(instructions), frames)
    denoise = FutureDenoiser(model.transformer, problem.select(clips))
    errors = []
    for sigma in sigmas:
        times = futures.new_full(futures.shape[:2], sigma)
        velocity = denoise(interpolate(futures, noise, times), times)
        error = (velocity - velocity_between(futures, noise)).square()
        errors.append(reduce(error, "b n c -> b", "mean"))
    return torch.stack(errors, dim=1)


def _states(
    model: WorldModel, predictions: Sequence[Prediction], evidence: Evidence
) -> tuple[Float[Tensor, "batch candidate token dim"], Float[Tensor, "batch token dim"]]:
    """States of the vision tokens over context and future, last layer, read under the clip's instruction."""
    own, candidates = [prediction.instruction for prediction in predictions], evidence.predicted.shape[1]
    context = evidence.context.repeat_interleave(candidates, 0)
    videos = torch.cat([context, rearrange(evidence.predicted, "b c d f h w -> (b c) d f h w")], dim=2)
    drawn = _vision_states(model, videos, [sentence for sentence in own for _ in range(candidates)])
    seen = _vision_states(model, torch.cat([evidence.context, evidence.observed], dim=2), own)
    return rearrange(drawn, "(b c) n d -> b c n d", c=candidates), seen


def _vision_states(
    model: WorldModel, videos: Float[Tensor, "batch rgb=3 frame height width"], instructions: list[str]
) -> Float[Tensor, "batch token dim"]:
    features = model.features(videos, instructions)
    if features is None:
        raise UserError(
            expected="a world model with a VLM for signals that compare meaning",
            got="one without",
            remedy="leave out the signal `semantic`",
        )
    last = features.tokens[:, -1]
    return rearrange(last[features.vision], "(b n) d -> b n d", b=len(videos))
