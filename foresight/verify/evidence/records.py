"""The evidence of a verdict: candidates, the observed future, and how well the model's own flow explains both."""

from __future__ import annotations

from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor

from foresight.metrics.baselines import copy_last_frame

LATENT_ROUNDING = 1e-2
"""Distances of latents below it are rounding: normalised latents have deviation 1."""


@dataclass(frozen=True)
class FlowLosses:
    """Mean squared velocity errors of the model on several futures, with the same noise for all of a clip.

    Args:
        observed: of the observed future, under the clip's instruction.
        copy_last_frame: of the last context frame repeated, under the clip's instruction.
        others: of the observed future, under other instructions; see `Need.FLOW_OTHERS`.
        unconditional: of the observed future, without instruction and adapter; see `Need.FLOW_UNCONDITIONAL`.
        candidates: of the model's own candidates, under the clip's instruction; see `Need.FLOW_CANDIDATES`.
    """

    observed: Float[Tensor, "batch sigma"]
    copy_last_frame: Float[Tensor, "batch sigma"]
    others: Float[Tensor, "batch alternative sigma"] | None = None
    unconditional: Float[Tensor, "batch sigma"] | None = None
    candidates: Float[Tensor, "batch candidate sigma"] | None = None


@dataclass(frozen=True)
class Evidence:
    """Clips with candidates for their future and the observed one, over the frames that both reach.

    Args:
        context: the observed frames that the model was given.
        predicted: candidates.
        predicted_latents: their latents.
        observed: the observed future.
        observed_latents: its latents, encoded behind the context.
        copy_latents: latents of the last context frame repeated.
        flow: velocity errors; see `Need.FLOW`.
        predicted_states: VLM states of context and candidates; see `Need.STATES`.
        observed_states: VLM states of context and observed future.
        action_odds: the VLM's log-odds that the instruction was carried out; see `Need.ACTION`.
        described_alike: share of words that the VLM's descriptions of prediction and observed future have in common;
            see `Need.DESCRIPTION`.
    """

    context: Float[Tensor, "batch rgb=3 context height width"]
    predicted: Float[Tensor, "batch candidate rgb=3 frame height width"]
    predicted_latents: Float[Tensor, "batch candidate channel latent_frame row column"]
    observed: Float[Tensor, "batch rgb=3 frame height width"]
    observed_latents: Float[Tensor, "batch channel latent_frame row column"]
    copy_latents: Float[Tensor, "batch channel latent_frame row column"]
    flow: FlowLosses | None = None
    predicted_states: Float[Tensor, "batch candidate token dim"] | None = None
    observed_states: Float[Tensor, "batch token dim"] | None = None
    action_odds: Float[Tensor, " batch"] | None = None
    described_alike: Float[Tensor, " batch"] | None = None

    @property
    def copy_last_frame(self) -> Float[Tensor, "batch rgb=3 frame height width"]:
        """The last context frame repeated, the prediction of copying."""
        return copy_last_frame(self.context, self.observed.shape[2])


@dataclass(frozen=True)
class PriorEvidence:
    """Clips with candidates for their future before anything of it has been observed.

    Args:
        context: the observed frames that the model was given.
        predicted: candidates.
        predicted_latents: their latents.
        copy_latents: latents of the last context frame repeated.
        conditional: velocity errors of the candidates under the clip's instruction; see `Need.PRIOR_FLOW`.
        unconditional: the same without instruction and adapter.
    """

    context: Float[Tensor, "batch rgb=3 context height width"]
    predicted: Float[Tensor, "batch candidate rgb=3 frame height width"]
    predicted_latents: Float[Tensor, "batch candidate channel latent_frame row column"]
    copy_latents: Float[Tensor, "batch channel latent_frame row column"]
    conditional: Float[Tensor, "batch candidate sigma"] | None = None
    unconditional: Float[Tensor, "batch candidate sigma"] | None = None


@dataclass(frozen=True)
class EvidenceConfig:
    """Settings of an evidence builder; a verifier holds only for evidence built as it was fitted.

    Args:
        instructions: all that are known, for the contrast between them.
        count: how many other instructions are tried per clip; 0 where there is none to try.
        sigmas: noise levels of the flow losses.
        seed: of their noise; one that no candidate is drawn with, whose flow would recognise its own noise.
        prior_sigmas: noise levels of the candidates' own flow losses, before anything was observed.
    """

    instructions: tuple[str, ...]
    count: int = 3
    sigmas: tuple[float, ...] = field(default=(0.3, 0.5, 0.7, 0.9))
    seed: int = 2**31 - 1
    prior_sigmas: tuple[float, ...] = field(default=(0.5, 0.8))

    def __post_init__(self) -> None:
        for name in ("instructions", "sigmas", "prior_sigmas"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for levels in (self.sigmas, self.prior_sigmas):
            if not levels or not all(0 < sigma < 1 for sigma in levels):
                raise ValueError(f"expected noise levels in (0, 1), got {levels}")
        if self.count < 0 or (self.count and len(self.instructions) <= self.count):
            raise ValueError(f"expected more instructions than the {self.count} tried, got {len(self.instructions)}")
