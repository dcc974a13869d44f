"""What an attempt costs: rows that enter the networks and seconds of the clock, while the meter runs and not after."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from foresight.loop import cost_meter
from foresight.loop.cost_meter import CostMeter
from foresight.loop.failed import failed_tokens


def test_a_meter_counts_while_it_runs(monkeypatch: pytest.MonkeyPatch, world: Any) -> None:
    """Two batches of 3 and 2 rows are 5 evaluations, one latent video of 4 rows 4 decodes; from 10 to 12.5 and from 20
    to 21 on the clock are 3.5 seconds; what happens between and after is not counted."""
    times = iter([10.0, 12.5, 20.0, 21.0])
    monkeypatch.setattr(cost_meter, "perf_counter", lambda: next(times))
    entrance = world.transformer.patchify_proj
    counted = CostMeter(world)
    with counted:
        entrance(torch.zeros(3, 1, entrance.in_features))
        entrance(torch.zeros(2, 1, entrance.in_features))
    entrance(torch.zeros(7, 1, entrance.in_features))
    with counted, torch.no_grad():
        world.vae.decode(torch.zeros(4, world.vae.config.latent_channels, 1, 2, 2))
    cost = counted.cost
    assert (cost.seconds, cost.evaluations, cost.decodes) == (3.5, 5, 4)


def test_failed_tokens_are_those_further_off_than_the_mean() -> None:
    """Squared errors 0, 1, 4, 3 have the mean 2: the last two failed, and are taken to fail while nothing is seen."""
    observed = torch.zeros(1, 1, 2, 2)
    predicted = torch.tensor([0.0, 1.0, 2.0, 3**0.5]).view(1, 1, 1, 2, 2).expand(1, 1, 3, 2, 2)
    failed = failed_tokens(predicted, observed)
    assert failed.shape == (1, 3, 2, 2) and failed.flatten(2).tolist() == [[[False, False, True, True]] * 3]


def test_where_all_is_equally_wrong_all_has_failed() -> None:
    """At least one token fails: an error at the mean counts."""
    assert bool(failed_tokens(torch.ones(2, 3, 1, 2, 2), torch.zeros(3, 1, 2, 2)).all())
