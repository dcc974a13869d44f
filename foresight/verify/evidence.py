"""What a verdict is based on: candidates, what happened, and how well the model's own flow explains both."""

from __future__ import annotations

from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor

from foresight.metrics.baselines import copy_last_frame


@dataclass(frozen=True)
class FlowLosses:
    """Mean squared velocity errors of the model on several futures, with the same noise for all of a clip.

    Args:
        observed: of what happened, under the clip's instruction.
        frozen: of the last frame standing still, under the clip's instruction.
        others: of what happened, under other instructions; only if a signal needs it.
        bare: of what happened, without instruction and adapter; only if a signal needs it.
        candidates: of the model's own candidates, under the clip's instruction; only if a signal needs it.
    """

    observed: Float[Tensor, "batch sigma"]
    frozen: Float[Tensor, "batch sigma"]
    others: Float[Tensor, "batch alternative sigma"] | None = None
    bare: Float[Tensor, "batch sigma"] | None = None
    candidates: Float[Tensor, "batch candidate sigma"] | None = None


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
        action_odds: the VLM's log-odds that the instruction was carried out, only if a signal needs them.
        described_alike: how much of what the VLM says of the prediction it also says of what happened.
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
    action_odds: Float[Tensor, " batch"] | None = None
    described_alike: Float[Tensor, " batch"] | None = None

    @property
    def frozen(self) -> Float[Tensor, "batch rgb=3 frame height width"]:
        """The last context frame, standing still: what copying predicts."""
        return copy_last_frame(self.context, self.observed.shape[2])


@dataclass(frozen=True)
class Prospect:
    """Clips with candidates for their future before anything of it has been observed.

    Args:
        context: the observed frames that the model was given.
        predicted: candidates.
        predicted_latents: their latents.
        frozen_latents: latents of the last frame standing still.
        told: velocity errors of the candidates under the clip's instruction, only if a signal needs them.
        untold: the same without instruction and adapter.
    """

    context: Float[Tensor, "batch rgb=3 context height width"]
    predicted: Float[Tensor, "batch candidate rgb=3 frame height width"]
    predicted_latents: Float[Tensor, "batch candidate channel latent_frame row column"]
    frozen_latents: Float[Tensor, "batch channel latent_frame row column"]
    told: Float[Tensor, "batch candidate sigma"] | None = None
    untold: Float[Tensor, "batch candidate sigma"] | None = None


@dataclass(frozen=True)
class Gathering:
    """How evidence is gathered; a verifier holds only for evidence gathered as it was fitted.

    Args:
        instructions: what else could have been done, for the contrast between instructions.
        count: how many other instructions are tried per clip; 0 where there is none to try.
        sigmas: noise levels of the flow losses.
        seed: of their noise; one that no candidate is drawn with, whose flow would recognise its own noise.
        prospect_sigmas: noise levels of the candidates' own flow losses, before anything was observed.
    """

    instructions: tuple[str, ...]
    count: int = 3
    sigmas: tuple[float, ...] = field(default=(0.3, 0.5, 0.7, 0.9))
    seed: int = 2**31 - 1
    prospect_sigmas: tuple[float, ...] = field(default=(0.5, 0.8))

    def __post_init__(self) -> None:
        for name in ("instructions", "sigmas", "prospect_sigmas"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for levels in (self.sigmas, self.prospect_sigmas):
            if not levels or not all(0 < sigma < 1 for sigma in levels):
                raise ValueError(f"expected noise levels in (0, 1), got {levels}")
        if self.count < 0 or (self.count and len(self.instructions) <= self.count):
            raise ValueError(f"expected more instructions than the {self.count} tried, got {len(self.instructions)}")
