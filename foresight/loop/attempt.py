"""Task of a loop, and one attempt at it."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from foresight.errors import UserError
from foresight.loop.budget import Cost
from foresight.loop.policies.base import JudgedAttempt
from foresight.loop.policies.moves import Move
from foresight.verify.verdict import Verdict
from ltx.shapes import TIME


@dataclass(frozen=True)
class Task:
    """Task of a loop.

    Args:
        context: observed frames before the future.
        observed: frames of the future that are seen so far; all that verification may look at.
        horizon: frames to predict; those beyond `observed` are what the loop is for.
        instruction: that the prediction follows.
        seed: of the first attempt.
        hypotheses: other instructions that may be the right one, in the order in which to try them.

    Raises:
        UserError: if fewer than 8 frames were observed, more than the horizon, or of another size.
    """

    context: Float[Tensor, "rgb=3 context height width"]
    observed: Float[Tensor, "rgb=3 observed height width"]
    horizon: int
    instruction: str
    seed: int
    hypotheses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "hypotheses", tuple(self.hypotheses))
        seen = self.observed.shape[1]
        if not TIME <= seen <= self.horizon or self.observed.shape[2:] != self.context.shape[2:]:
            raise UserError(
                expected=f"{TIME} to {self.horizon} observed frames of the context's size, {tuple(self.context.shape)}",
                got=str(tuple(self.observed.shape)),
                remedy="wait for more frames, or predict further",
            )


@dataclass(frozen=True)
class Attempt:
    """One prediction of a loop and its verdict.

    Args:
        move: that made it.
        instruction: it was made for.
        seed: of its first candidate.
        noise_level: where the flow was entered.
        video: its candidates, over the whole horizon.
        latents: of the frames that were predicted.
        refined: true for tokens that were noised again; None if all were sampled.
        chosen: the candidate to show: the nearest to what was seen, or the most central where all of it was given.
        verdict: of the verifier, by plausibility alone for what continues an observation; None where it has none.
        cost: of prediction and verification.
    """

    move: Move
    instruction: str
    seed: int
    noise_level: float
    video: Float[Tensor, "candidate rgb=3 frame height width"]
    latents: Float[Tensor, "candidate channel latent_frame row column"]
    refined: Bool[Tensor, "candidate latent_frame row column"] | None
    chosen: int
    verdict: Verdict | None
    cost: Cost

    @property
    def shown(self) -> Float[Tensor, "rgb=3 frame height width"]:
        """The chosen candidate."""
        return self.video[self.chosen]

    @property
    def judged(self) -> JudgedAttempt:
        """The attempt as a policy sees it."""
        verdict = self.verdict
        return JudgedAttempt(
            move=self.move,
            instruction=self.instruction,
            probability=None if verdict is None else verdict.confidence,
            decision=None if verdict is None else verdict.decision,
        )
