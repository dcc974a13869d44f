"""Predict, verify, decide, until a prediction is taken or the budget is spent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from foresight.loop.attempt import Attempt, Task
from foresight.loop.budget import Budget, Cost
from foresight.loop.policies.base import Policy, Situation
from foresight.loop.policies.moves import GiveUp, Take
from foresight.loop.policies.unjudged import Unjudged
from foresight.loop.revisers.base import Reviser
from foresight.loop.runner import Actor, AttemptRunner
from foresight.loop.trace import Trace
from foresight.verify.verifier import Verifier
from foresight.world.domain import check_domain
from foresight.world.sampling import NoiseLevel
from foresight.world.world_model import WorldModel

OnAttempt = Callable[[Attempt], None]


@dataclass(frozen=True)
class PredictVerifyLoop:
    """A world model and a verifier that checks it.

        loop = PredictVerifyLoop(model, verifier, Chain([Accept(), Resample(times=4), Best()]), Budget(attempts=4))
        trace = loop.run(Task(context, observed, 16, "the red ball is pushed up", seed=0))
        trace.accepted.shown

    Args:
        model: predicts.
        verifier: judges; fitted for this model.
        policy: decides what to do next.
        budget: limits attempts, time and transformer evaluations.
        noise_level: where drawn predictions enter the flow; see `WorldModel.predict`.
        reviser: rewords instructions; None if the policy never asks for that.
    """

    model: WorldModel
    verifier: Verifier
    policy: Policy
    budget: Budget
    noise_level: NoiseLevel = "auto"
    reviser: Reviser | None = None

    def run(self, task: Task, *, on_attempt: OnAttempt = lambda attempt: None) -> Trace:
        """Find a prediction that agrees with what has been observed of the future so far.

        A picture that is not the model's world (`check_domain`) is predicted once, judged by nobody, and not taken.

        Args:
            task: what is asked.
            on_attempt: told about each attempt.

        Raises:
            UserError: if the policy asks for what cannot be done for this task.
            ValueError: if the verifier was fitted for another model.
        """
        return drive(self.policy_for(task), self.budget, task, self.actor(task), on_attempt)

    def policy_for(self, task: Task) -> Policy:
        """The policy, if there is anything that it could go by."""
        return Unjudged() if check_domain(self.model, task.context).state == "out" else self.policy

    def actor(self, task: Task) -> Actor:
        """Actor that carries out the moves of a task."""
        return AttemptRunner(self.model, self.verifier, task, noise_level=self.noise_level, reviser=self.reviser)


def drive(
    policy: Policy, budget: Budget, task: Task, actor: Actor, on_attempt: OnAttempt = lambda attempt: None
) -> Trace:
    """Ask the policy and do what it says, until it ends the loop. A policy with nothing to say gives up.

    Raises:
        ValueError: if the policy goes on although the budget is spent.
    """
    attempts = list[Attempt]()
    while True:
        spent = Cost.total(attempt.cost for attempt in attempts)
        situation = Situation(
            instruction=task.instruction,
            seed=task.seed,
            hypotheses=task.hypotheses,
            candidates=actor.candidates,
            tried=tuple(attempt.judged for attempt in attempts),
            exhausted=budget.exhausted(len(attempts), spent),
        )
        step = policy.decide(situation) or GiveUp()
        if isinstance(step, Take | GiveUp):
            return Trace(task, tuple(attempts), step, spent)
        if situation.exhausted:
            raise ValueError(
                f"expected a policy that ends once the budget is spent, got {step} after {len(attempts)} attempts"
            )
        attempts.append(actor.carry_out(step, attempts))
        on_attempt(attempts[-1])
