from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from foresight.training.objective import WeightedSum
from foresight.training.optimizer import GroupedOptimizer, ParameterGroup
from foresight.training.schedule import WarmupDecay


def test_the_schedule_rises_stays_and_falls() -> None:
    """Hand values: 4 warm-up steps, a plateau, and a fall to the floor over the last half."""
    schedule = WarmupDecay(steps=100, warmup=4, decay=0.5, floor=0.1)
    factors = [schedule(step) for step in (0, 3, 4, 50, 75, 100, 1000)]
    assert factors == pytest.approx([0.2, 0.8, 1.0, 1.0, 0.55, 0.1, 0.1])


def test_a_rate_that_never_falls() -> None:
    """Without warm-up and decay it is whole from the first step to beyond the last; a decay of 1 falls at once."""
    assert [WarmupDecay(2, 0, 0.0)(step) for step in range(4)] == [1.0] * 4
    assert [WarmupDecay(2, 0, 1.0)(step) for step in range(3)] == [1.0, 0.5, 0.0]


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"warmup": -1}, {"decay": 1.5}])
def test_an_impossible_schedule_is_refused(wrong: Any) -> None:
    """No training without steps, negative warm-up, or decay longer than the training."""
    with pytest.raises(ValueError, match="expected"):
        WarmupDecay(**{"steps": 10, "warmup": 0, "decay": 0.5} | wrong)


def grouped(*patterns: str) -> GroupedOptimizer:
    groups = [ParameterGroup(pattern, 0.1 / (i + 1), 0.01) for i, pattern in enumerate(patterns)]
    return GroupedOptimizer(optimizer=partial(torch.optim.AdamW), groups=groups)


def test_groups_claim_by_name_and_the_rest_is_frozen() -> None:
    """The first matching group claims a parameter, vectors are not decayed, what nobody claims does not train."""
    model = nn.ModuleDict({name: nn.Linear(2, 2) for name in "abc"})
    optimizer = grouped(r"a\..*", r"[ab]\..*")(model.named_parameters())
    found = [(group["lr"], group["weight_decay"], len(group["params"])) for group in optimizer.param_groups]
    assert found == [(0.1, 0.01, 1), (0.1, 0.0, 1), (0.05, 0.01, 1), (0.05, 0.0, 1)]
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trained == {"a.weight", "a.bias", "b.weight", "b.bias"}


def test_a_group_that_claims_nothing_is_refused() -> None:
    """A misspelt pattern is found at once, and so is a recipe without groups."""
    with pytest.raises(ValueError, match="claims no parameter"):
        grouped("nothing")(nn.Linear(2, 2).named_parameters())
    with pytest.raises(ValueError, match="at least one"):
        grouped()


def constant(value: float):
    return lambda model, batch, generator: {"loss": torch.tensor(value), "seen": torch.tensor(value)}


def test_objectives_add_up_by_weight() -> None:
    """The loss is the weighted sum, and every term's metrics keep their names."""
    both = WeightedSum(terms={"b": constant(2.0), "a": constant(3.0)}, weights={"a": 0.5, "b": 10.0})
    result = both(nn.Identity(), None, torch.Generator())
    assert result["loss"].item() == pytest.approx(21.5)
    assert {name: value.item() for name, value in result.items() if name != "loss"} == {
        "a/loss": 3.0, "a/seen": 3.0, "b/loss": 2.0, "b/seen": 2.0
    }  # fmt: skip


def test_every_objective_needs_a_weight() -> None:
    """Terms and weights must have the same names, and there must be some."""
    for terms, weights in (({}, {}), ({"a": constant(1.0)}, {"b": 1.0})):
        with pytest.raises(ValueError, match="a weight for each term"):
            WeightedSum(terms=terms, weights=weights)


@pytest.mark.parametrize(("rate", "decay"), [(-0.1, 0.0), (0.1, -0.1), (float("nan"), 0.0), (float("inf"), 0.0)])
def test_a_rate_that_goes_uphill_is_refused(rate: float, decay: float) -> None:
    """Below 0 or no finite number, for rates and decays alike."""
    with pytest.raises(ValueError, match="learning_rate and a weight_decay of at least 0"):
        ParameterGroup(".*", rate, decay)
