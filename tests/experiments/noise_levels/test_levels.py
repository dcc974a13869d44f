"""Predictions at several noise levels, and their figures."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from adapters import save_adapter
from experiments.noise_levels.levels import ERROR, EVALUATIONS, LATENCY, POSITION, SHARPNESS, Outcome, figures, outcomes
from experiments.noise_levels.study import MODEL, join, require, rows
from foresight.cli.compose import instantiate_plain, resolve
from foresight.errors import UserError
from foresight.physics import PhysicsConfig
from foresight.world.variants import adapted_world_model


def test_figures_by_hand() -> None:
    """Error is a ratio of means, latency the median in milliseconds."""
    found = figures(
        [
            Outcome(1.0, 2.0, 3.0, 0.5, 0.010, 0.1, 2),
            Outcome(2.0, 10.0, 5.0, 1.5, 0.030, 0.1, 2),
            Outcome(3.0, 12.0, 7.0, 1.0, 0.900, 0.1, 2),
        ]
    )
    expected = {ERROR: 0.25, POSITION: 5.0, SHARPNESS: 1.0, LATENCY: 30.0, EVALUATIONS: 2.0}
    assert {key: found[key].value for key in expected} == pytest.approx(expected)
    assert [row["σ*"] for row in rows({"latent": {0.05: found, 1.0: found}})] == ["0.05", "1"]


def test_an_adapter_that_was_not_trained_is_asked_for(tmp_path: Path) -> None:
    """The message names the command."""
    with pytest.raises(UserError, match="make adapters"):
        require(tmp_path)


def test_ic_lora_refines_the_forecast_of_latent(tmp_path: Path) -> None:
    """Fresh adapters joined: nothing runs the transformer at 0.05, all of its steps run at 1, and all is finite."""
    torch.manual_seed(0)
    for name in ("latent", "ic_lora"):
        save_adapter(instantiate_plain(resolve("train", [f"experiment=adapters/{name}"])["adapter"]), tmp_path / name)
    join(tmp_path / "latent", tmp_path / "ic_lora", tmp_path / "both")
    world = adapted_world_model(where=MODEL, adapter=tmp_path / "both")
    assert world.adapter is not None and world.adapter.provides == {"forecast", "reference"}
    (found,) = outcomes(world, 1, PhysicsConfig(), [0.05, 1.0])
    assert [outcome.evaluations > 0 for outcome in found] == [False, True]
    assert found[0].copy_error == found[1].copy_error > 0
    assert found[1].error < found[0].error, "a forecast of nothing is worse than the flow"
