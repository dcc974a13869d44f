"""Ranking of instructions by the nearness of their predicted ends to a goal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.choose.goals import Goal
from foresight.choose.temperature import probabilities
from foresight.errors import UserError
from foresight.progress import Progress, silent
from foresight.world.domain import DomainCheck, check_domain
from foresight.world.prediction import Prediction
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel

MANY = Sampling(candidates=16)


@dataclass(frozen=True)
class Choice:
    """Instructions ranked by their nearness to a goal.

    Args:
        instructions: what could be done.
        costs: how far each is imagined to end from the goal.
        probabilities: that each is the one, in the same order; they add up to 1. None outside the
            model's domain, where nothing is chosen.
        predictions: what was imagined for each.
        domain: how well the VAE draws the context.
    """

    instructions: tuple[str, ...]
    costs: tuple[float, ...]
    probabilities: tuple[float, ...] | None
    predictions: tuple[Prediction, ...]
    domain: DomainCheck

    @property
    def order(self) -> list[int]:
        """Indices of the instructions, the most probable first."""
        return sorted(range(len(self.costs)), key=lambda index: self.costs[index])

    @property
    def best(self) -> str | None:
        """The most probable instruction; None where nothing is chosen."""
        return None if self.probabilities is None else self.instructions[self.order[0]]


def choose(
    model: WorldModel,
    context: Float[Tensor, "rgb=3 context height width"],
    instructions: Sequence[str],
    goal: Goal,
    *,
    horizon: int,
    temperature: float,
    sampling: Sampling = MANY,
    progress: Progress = silent,
) -> Choice:
    """Predict each instruction, with the same noise for all, and compare the ends with the goal.

    Args:
        model: the world model.
        context: observed frames, as for `WorldModel.predict`.
        instructions: at least two different ones.
        goal: what is wanted.
        horizon: frames after which the goal shall be reached.
        temperature: of the probabilities, above 0; see `fit_temperature`.
        sampling: of the futures of each instruction, with the same seeds for all.
        progress: called with (done, total) instructions.

    Raises:
        UserError: if there are not two different instructions, or the world model refuses the request.
    """
    if len(instructions) < 2 or len(set(instructions)) != len(instructions):
        raise UserError(
            expected="at least two different instructions to choose from",
            got=repr(list(instructions)),
            remedy='give instructions=["push the red ball up","wait"]',
        )
    domain = check_domain(model, context)
    predictions = []
    for index, sentence in enumerate(instructions):
        predictions.append(model.predict_batch(context[None], [sentence], horizon, sampling)[0])
        progress(index + 1, len(instructions))
    with torch.no_grad():
        costs = goal.costs(model, predictions).double()
    return Choice(
        instructions=tuple(instructions),
        costs=tuple(costs.tolist()),
        probabilities=None if domain.state == "out" else tuple(probabilities(costs, temperature).tolist()),
        predictions=tuple(predictions),
        domain=domain,
    )
