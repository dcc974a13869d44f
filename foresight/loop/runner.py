"""Carrying out a loop's moves with a world model and a verifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Protocol

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from foresight.errors import UserError
from foresight.loop.attempt import Attempt, Task
from foresight.loop.conform import conform
from foresight.loop.cost_meter import CostMeter
from foresight.loop.failed import failed_tokens
from foresight.loop.policies.moves import Condition, Continue, Move, Renoise, Reword, Sample
from foresight.loop.renoise import renoise
from foresight.loop.revisers.base import Case, Reviser
from foresight.verify.classifier import Decision
from foresight.verify.verdict import Verdict
from foresight.verify.verifier import Verifier
from foresight.world.domain import check_domain
from foresight.world.prediction import Prediction
from foresight.world.sampling import NoiseLevel
from foresight.world.world_model import WorldModel
from ltx.shapes import TIME


class Actor(Protocol):
    """Makes attempts."""

    @property
    def candidates(self) -> int:
        """Per attempt."""

    def carry_out(self, move: Move, earlier: Sequence[Attempt]) -> Attempt:
        """One attempt, given those before it."""


class AttemptRunner:
    """Makes attempts at one task.

    Args:
        model: predicts.
        verifier: judges; fitted for this model.
        task: what is asked.
        noise_level: where drawn predictions enter the flow; see `WorldModel.predict`.
        reviser: rewords instructions; None if no policy asks for that.
    """

    def __init__(
        self,
        model: WorldModel,
        verifier: Verifier,
        task: Task,
        *,
        noise_level: NoiseLevel = "auto",
        reviser: Reviser | None = None,
    ) -> None:
        self.model, self.verifier, self.task = model, verifier, task
        self.noise_level, self.reviser = noise_level, reviser

    @property
    def candidates(self) -> int:
        """As many as the verifier was fitted for."""
        return self.verifier.fitted_on.candidates

    @cached_property
    def readable(self) -> bool:
        """True inside the model's domain, where predictions can be judged."""
        return check_domain(self.model, self.task.context).state != "out"

    @cached_property
    def seen_latents(self) -> Float[Tensor, "channel latent_seen row column"]:
        """Latents of what was observed, behind the context; frames beyond a multiple of 8 are left out."""
        context = self.task.context[:, -self.model.sampling_config.context_frames :]
        frames = self.task.observed.shape[1] // TIME * TIME
        with torch.no_grad():
            latents = self.model.encode(torch.cat([context, self.task.observed[:, :frames]], dim=1)[None])
        return latents[0, :, -(frames // TIME) :]

    def carry_out(self, move: Move, earlier: Sequence[Attempt]) -> Attempt:
        """Predict and verify, counting what it costs.

        Raises:
            UserError: if the move cannot be made for this task or without a reviser.
        """
        refined, readable = None, self.readable
        with CostMeter(self.model) as meter:
            match move:
                case Sample():
                    prediction = self._draw(move.instruction, move.seed, move.steps)
                case Reword():
                    prediction = self._draw(self._reword(earlier, move), move.seed, None)
                case Renoise():
                    prediction, refined = self._renoise(earlier[move.attempt], move)
                case Continue():
                    prediction = self._continue(earlier[move.attempt], move)
                case Condition():
                    prediction = self._fit(earlier[move.attempt], move)
            if isinstance(move, Continue | Condition):
                # It was given all that could verify it: what is left is how plausible the rest is.
                chosen, verdict = prediction.medoid, self._foreseen(prediction)
                if isinstance(move, Condition):
                    verdict = _if_true(verdict, earlier[move.attempt].verdict)
                prediction = self._begun(prediction)
            else:
                verdict = self._verified(prediction) if readable else None
                chosen = self._nearest(prediction)
        return Attempt(
            move=move,
            instruction=prediction.instruction,
            seed=prediction.seed,
            noise_level=prediction.noise_level,
            video=prediction.video.cpu(),
            latents=prediction.latents.cpu(),
            refined=refined,
            chosen=chosen,
            verdict=verdict,
            cost=meter.cost,
        )

    def _verified(self, prediction: Prediction) -> Verdict:
        return self.verifier.verify(self.model, [prediction], self.task.observed[None])[0]

    def _draw(self, instruction: str, seed: int, steps: int | None) -> Prediction:
        task = self.task
        return self.model.predict(
            task.context,
            instruction,
            task.horizon,
            candidates=self.candidates,
            noise_level=self.noise_level,
            seed=seed,
            steps=steps,
        )

    def _reword(self, earlier: Sequence[Attempt], move: Reword) -> str:
        if self.reviser is None:
            raise UserError(
                expected="a reviser for a policy that rewords the instruction", got="none", remedy="choose reviser="
            )
        attempt, task = earlier[move.attempt], self.task
        tried = {one.instruction for one in earlier}
        case = Case(
            context=task.context,
            observed=task.observed,
            predicted=attempt.shown[:, : task.observed.shape[1]],
            instruction=attempt.instruction,
            hypotheses=tuple(text for text in task.hypotheses if text not in tried),
        )
        return self.reviser.revise(self.model, case)

    def _renoise(
        self, attempt: Attempt, move: Renoise
    ) -> tuple[Prediction, Bool[Tensor, "candidate latent_frame row column"]]:
        latents = attempt.latents
        where = torch.ones_like(latents[:, 0], dtype=torch.bool)
        if move.part == "failed":
            where = failed_tokens(latents, self.seen_latents.cpu())
        prediction = renoise(
            self.model,
            self.task.context,
            attempt.instruction,
            latents,
            where,
            noise_level=move.noise_level,
            seed=move.seed,
            horizon=self.task.horizon,
        )
        return prediction, where

    def _continue(self, attempt: Attempt, move: Continue) -> Prediction:
        """The rest of the horizon, what was seen being context."""
        task, config = self.task, self.model.sampling_config
        known = torch.cat([task.context, task.observed], dim=1)[:, -config.context_frames :]
        return self.model.predict(
            known,
            attempt.instruction if config.continuation is None else config.continuation,
            self._unseen("re-ground"),
            candidates=self.candidates,
            noise_level=self.noise_level,
            seed=move.seed,
        )

    def _fit(self, attempt: Attempt, move: Condition) -> Prediction:
        """The whole horizon, beginning as what was seen."""
        self._unseen("conform")
        return conform(
            self.model,
            self.task.context,
            attempt.instruction,
            self.seen_latents,
            candidates=self.candidates,
            steps=move.steps,
            seed=move.seed,
            horizon=self.task.horizon,
        )

    def _unseen(self, doing: str) -> int:
        """Frames that nobody has seen; some, for what predicts only them."""
        task = self.task
        left = task.horizon - task.observed.shape[1]
        if left < 1:
            raise UserError(
                expected="a horizon beyond what was seen, to predict the rest of",
                got=f"{task.observed.shape[1]} of {task.horizon} frames seen",
                remedy=f"predict further, or choose a policy that does not {doing}",
            )
        return left

    def _foreseen(self, prediction: Prediction) -> Verdict | None:
        """Verdict on the most central candidate without any observation; None where there can be none."""
        if not self.verifier.plausibilities or prediction.video.shape[2] < TIME:
            return None
        return self.verifier.verify_unseen(self.model, prediction)[prediction.medoid]

    def _begun(self, prediction: Prediction) -> Prediction:
        """The whole horizon in pictures, what was seen first."""
        left = self.task.horizon - self.task.observed.shape[1]
        seen = self.task.observed.to(prediction.video).expand(len(prediction), -1, -1, -1, -1)
        return replace(prediction, video=torch.cat([seen, prediction.video[:, :, -left:]], dim=2))

    def _nearest(self, prediction: Prediction) -> int:
        """The candidate nearest to what was seen, in latent space."""
        seen = self.seen_latents
        offset = prediction.latents[:, :, : seen.shape[1]] - seen
        return int(offset.square().mean(dim=(1, 2, 3, 4)).argmin())


def _if_true(foreseen: Verdict | None, story: Verdict | None) -> Verdict | None:
    """Verdict on a future that was foreseen under an instruction: the instruction is right, and the future as foreseen.

    The probability is the product; accepted is what is accepted in both, rejected what is rejected in either.
    """
    if foreseen is None or story is None:
        return foreseen
    both = foreseen.probability * story.probability
    decisions = {foreseen.decision, story.decision}
    decision: Decision = "reject" if "reject" in decisions else "abstain" if "abstain" in decisions else "accept"
    return replace(foreseen, probability=both, prediction_correct=both, decision=decision)
