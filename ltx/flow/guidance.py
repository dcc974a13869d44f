"""Guidance: velocities of several branches become one, inside a denoiser that wraps denoisers.

Branches are the same network under the prompt (positive), under the negative prompt, and under the prompt with some
blocks perturbed. Classifier-free guidance (arXiv 2207.12598), CFG-Zero* (arXiv 2503.18886), spatio-temporal guidance
(arXiv 2411.18664), rescaling (arXiv 2305.08891).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from einops import reduce
from jaxtyping import Float
from torch import Tensor

from ltx.flow.guidance_schedule import Guidance, GuidanceSchedule
from ltx.flow.skip_mode import SkipMode


@dataclass(frozen=True)
class Branches:
    """Velocities of one step; None for branches that this step does not use."""

    positive: Float[Tensor, "batch token channel"]
    negative: Float[Tensor, "batch token channel"] | None = None
    perturbed: Float[Tensor, "batch token channel"] | None = None


class BranchDenoiser(Protocol):
    """Evaluates the branches that a step needs, in one batch."""

    def __call__(
        self,
        tokens: Float[Tensor, "batch token channel"],
        timesteps: Float[Tensor, "batch token"],
        *,
        negative: bool,
        perturbed_blocks: tuple[int, ...],
        skip_mode: SkipMode,
    ) -> Branches:
        """The positive branch, the negative one if asked for, the perturbed one if blocks are named."""


def cfg(
    positive: Float[Tensor, "batch token channel"], negative: Float[Tensor, "batch token channel"], scale: float
) -> Float[Tensor, "batch token channel"]:
    """Classifier-free guidance: v_neg + g·(v_pos − v_neg)."""
    return negative + scale * (positive - negative)


def cfg_star(
    positive: Float[Tensor, "batch token channel"], negative: Float[Tensor, "batch token channel"]
) -> Float[Tensor, "batch token channel"]:
    """The negative velocity scaled to its projection on the positive one: α·v_neg, α = ⟨v_pos, v_neg⟩ / ‖v_neg‖²."""
    dot = reduce(positive * negative, "b n c -> b 1 1", "sum")
    norm = reduce(negative.square(), "b n c -> b 1 1", "sum")
    return dot / (norm + 1e-8) * negative


def stg(
    guided: Float[Tensor, "batch token channel"],
    positive: Float[Tensor, "batch token channel"],
    perturbed: Float[Tensor, "batch token channel"],
    scale: float,
) -> Float[Tensor, "batch token channel"]:
    """Spatio-temporal guidance, away from the perturbed network: v + s·(v_pos − v_ptb)."""
    return guided + scale * (positive - perturbed)


def rescale(
    guided: Float[Tensor, "batch token channel"], positive: Float[Tensor, "batch token channel"], strength: float
) -> Float[Tensor, "batch token channel"]:
    """Pull the spread of a guided velocity towards the positive one: v·(r·std(v_pos)/std(v) + 1 − r).

    The standard deviation is each sample's over all tokens and channels. r = 1 applies the full ratio; callers that
    follow the released configurations treat 1 as "off" (`Guidance.rescale`).
    """
    ratio = positive.std(dim=(1, 2), keepdim=True) / guided.std(dim=(1, 2), keepdim=True)
    return guided * (strength * ratio + 1 - strength)


def combine(branches: Branches, guidance: Guidance) -> Float[Tensor, "batch token channel"]:
    """One guided velocity from the branches of a step, in float32.

    Raises:
        ValueError: if a branch that the guidance needs is missing.
    """
    if guidance.uses_cfg != (branches.negative is not None) or guidance.uses_stg != (branches.perturbed is not None):
        raise ValueError(
            f"expected exactly the branches of {guidance}, got negative "
            f"{branches.negative is not None} and perturbed {branches.perturbed is not None}"
        )
    positive = branches.positive.float()
    guided = positive
    if branches.negative is not None:
        negative = branches.negative.float()
        if guidance.cfg_star:
            negative = cfg_star(positive, negative)
        guided = cfg(positive, negative, guidance.scale)
    if branches.perturbed is not None:
        guided = stg(guided, positive, branches.perturbed.float(), guidance.stg_scale)
    return rescale(guided, positive, guidance.rescale) if guidance.rescales else guided


class GuidedDenoiser:
    """A denoiser guided by a schedule; branches that have no weight at a step are not computed.

    The schedule is read at the latest time of any token. Tokens that move at a step have exactly the step's time
    (`ltx.flow.sampler.sample`), so this is the step's own entry whenever the result matters.
    """

    def __init__(self, branches: BranchDenoiser, schedule: GuidanceSchedule) -> None:
        self.branches = branches
        self.schedule = schedule

    def __call__(
        self, tokens: Float[Tensor, "batch token channel"], timesteps: Float[Tensor, "batch token"]
    ) -> Float[Tensor, "batch token channel"]:
        """The guided velocity."""
        guidance = self.schedule.at(float(timesteps.max()))
        branches = self.branches(
            tokens,
            timesteps,
            negative=guidance.uses_cfg,
            perturbed_blocks=guidance.perturbed_blocks if guidance.uses_stg else (),
            skip_mode=guidance.skip_mode,
        )
        return combine(branches, guidance)
