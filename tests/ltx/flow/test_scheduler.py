"""Times that a checkpoint asks for, and its settings in both spellings."""

from __future__ import annotations

import pytest
import torch

from ltx.flow.schedule import linear_quadratic, shift, stretch, token_shift, uniform
from ltx.flow.scheduler import SchedulerConfig


def test_times_are_spaced_shifted_and_stretched() -> None:
    """Each where it is asked for; a single step has nothing to stretch."""
    shifted = shift(uniform(2), token_shift(1024))
    assert torch.equal(SchedulerConfig().sigmas(4, 1024), linear_quadratic(4))
    assert torch.equal(SchedulerConfig("uniform").sigmas(4, 1024), uniform(4))
    assert torch.equal(SchedulerConfig("uniform", "tokens").sigmas(2, 1024), shifted)
    assert torch.equal(SchedulerConfig("uniform", "tokens", 0.1).sigmas(2, 1024), stretch(shifted, 0.1))
    assert SchedulerConfig("uniform", "tokens", 0.1).sigmas(1, 1024).tolist() == [1]
    with pytest.raises(ValueError, match="allows only the times"):
        SchedulerConfig("uniform", allowed_times=(1.0,)).sigmas(2, 1024)


@pytest.mark.parametrize(
    "config",
    [SchedulerConfig(), SchedulerConfig("uniform"), SchedulerConfig("uniform", "tokens", 0.1)],
)
def test_both_spellings_are_read_back(config: SchedulerConfig) -> None:
    """The official one always; that of diffusers where it can say it."""
    assert SchedulerConfig.from_official(config.to_official()) == config
    assert config.to_diffusers()["use_dynamic_shifting"] == (config.shifting == "tokens")
    if config != SchedulerConfig("uniform"):
        assert SchedulerConfig.from_diffusers(config.to_diffusers()) == config


@pytest.mark.parametrize("change", [{"sampler": "Karras"}, {"shifting": "SD4"}])
def test_other_schedulers_are_refused(change: dict[str, str]) -> None:
    """Each of the two fields by itself."""
    with pytest.raises(ValueError, match="expected a scheduler with sampler Uniform"):
        SchedulerConfig.from_official({"sampler": "Uniform", "shifting": None, **change})
    assert SchedulerConfig.from_official({}) == SchedulerConfig("uniform")


def test_another_shift_is_refused() -> None:
    """Only the released line is."""
    fields = SchedulerConfig("uniform", "tokens").to_diffusers()
    with pytest.raises(ValueError, match="base_shift"):
        SchedulerConfig.from_diffusers({**fields, "base_shift": 0.5})
    assert (
        SchedulerConfig.from_diffusers({**fields, "base_shift": 0.5, "use_dynamic_shifting": False})
        == SchedulerConfig()
    )
