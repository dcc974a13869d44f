"""Predict, verify, decide, until a prediction is taken or the budget is spent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from jaxtyping import Float
from torch import Tensor

from foresight.loop.policy import Budget, Judged, Policy, Spent
from foresight.loop.trace import Attempt, Trace
from foresight.verify.verifier import Verifier
from foresight.world_model import WorldModel


@dataclass(frozen=True)
class PredictVerifyLoop:
    """A world model and a verifier that checks it.

    Args:
        model: predicts.
        verifier: judges; fitted for this model.
        policy: decides what to do next.
        budget: limits attempts, time and transformer evaluations.
        noise_level: of every prediction; see `WorldModel.predict`.
    """

    model: WorldModel
    verifier: Verifier
    policy: Policy
    budget: Budget
    noise_level: float = 1.0

    def run(
        self,
        context: Float[Tensor, "rgb=3 context height width"],
        observed: Float[Tensor, "rgb=3 observed height width"],
        horizon: int,
        *,
        on_attempt: Callable[[Attempt], None] = lambda attempt: None,
    ) -> Trace:
        """Find a prediction that agrees with what has been observed of the future so far.

        Args:
            context: observed frames before the future.
            observed: what has been seen of the future, at least 8 frames, at most the horizon.
            horizon: frames to predict; those beyond `observed` are what the loop is for.
            on_attempt: told about each attempt.
        """
        start, attempts, spent = perf_counter(), list[Attempt](), Spent()
        candidates = self.verifier.fitted_on.candidates
        while True:
            tried = [
                Judged(attempt.instruction, attempt.seed, attempt.verdict.probability, attempt.verdict.decision)
                for attempt in attempts
            ]
            step = self.policy.decide(tried, spent.exhausts(self.budget))
            if step.action != "try" or step.instruction is None or step.seed is None:
                return Trace(context, observed, horizon, candidates, self.noise_level, tuple(attempts), step, spent)
            attempts.append(self._attempt(context, observed, horizon, step.instruction, step.seed))
            on_attempt(attempts[-1])
            spent = Spent(len(attempts), perf_counter() - start, sum(attempt.evaluations for attempt in attempts))

    def _attempt(self, context: Tensor, observed: Tensor, horizon: int, instruction: str, seed: int) -> Attempt:
        start, candidates = perf_counter(), self.verifier.fitted_on.candidates
        prediction = self.model.predict(
            context, instruction, horizon, candidates=candidates, noise_level=self.noise_level, seed=seed
        )
        verdict = self.verifier.verify(self.model, [prediction], observed[None])[0]
        return Attempt(
            instruction=instruction,
            seed=seed,
            video=prediction.video.cpu(),
            verdict=verdict,
            seconds=perf_counter() - start,
            evaluations=prediction.evaluations * candidates,
        )
