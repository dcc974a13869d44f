"""The sampling configuration: schedules by hand, errors by name, a file that reads back equal."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from foresight.world.sampling_config import FILE, FORMER_FILE, SamplingConfig
from tests.small import sampling_config

SAMPLING = sampling_config()


@pytest.mark.parametrize(
    ("level", "times"),
    [(1.0, [1, 0.75, 0.5, 0.25]), (0.6, [0.6, 0.5, 0.25]), (0.5, [0.5, 0.25]), (0.1, [0.1])],
)
def test_the_schedule_is_entered_at_the_noise_level(level: float, times: Any) -> None:
    """The level itself comes first, then the full schedule's times below it; none comes twice."""
    assert torch.allclose(SAMPLING.sigmas(level, 4, 48), torch.tensor(times))


@pytest.mark.parametrize("schedule", ["uniform", "linear_quadratic", "shifted"])
def test_times_fall(schedule: str) -> None:
    """Every schedule starts at 1, falls strictly, and stays above 0."""
    times = replace(SAMPLING, schedule=schedule).sigmas(1.0, 12, 48)
    assert float(times[0]) == 1 and bool((times.diff() < 0).all()) and float(times[-1]) > 0


def test_the_shifted_schedule_is_that_of_the_first_releases() -> None:
    """At 1,024 tokens a time t becomes e^.95 / (e^.95 + 1/t - 1), stretched so that the last is 0.1."""
    moved = [math.exp(0.95) / (math.exp(0.95) + 1 / t - 1) for t in (1.0, 0.75, 0.5, 0.25)]
    expected = [1 - (1 - time) * 0.9 / (1 - moved[-1]) for time in moved]
    assert torch.allclose(replace(SAMPLING, schedule="shifted").sigmas(1.0, 4, 1024), torch.tensor(expected), atol=1e-6)


def test_a_distilled_release_keeps_its_times() -> None:
    """Listed times are taken as they are, entered below a noise level, and no other number of steps is accepted."""
    config = replace(SAMPLING, steps=3, times=(1.0, 0.9, 0.4))
    assert torch.allclose(config.sigmas(1.0, 3, 48), torch.tensor([1.0, 0.9, 0.4]))
    assert torch.allclose(config.sigmas(0.6, 3, 48), torch.tensor([0.6, 0.4]))
    with pytest.raises(ValueError, match=r"expected 3 steps.*got 4"):
        config.sigmas(1.0, 4, 48)


@pytest.mark.parametrize("level", [0.0, -0.1, 1.1])
def test_no_such_level(level: float) -> None:
    """The flow is entered above 0, at most at 1."""
    with pytest.raises(ValueError, match="noise level"):
        SAMPLING.sigmas(level, 4, 48)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("context_frames", 8),
        ("context_frames", 0),
        ("chunk_frames", 9),
        ("chunk_frames", 0),
        ("schedule", "cosine"),
        ("steps", 0),
        ("frame_rate", 0.0),
        ("guidance", 0.5),
        ("estimate", "mode"),
        ("decode_timestep", 1.0),
        ("decode_noise", -0.1),
        ("carried_noise", float("nan")),
        ("times", (1.0, 0.5)),
        ("times", (0.5, 0.9, 0.4, 0.1)),
    ],
)
def test_wrong_fields_are_refused(field: str, value: Any) -> None:
    """Lengths off the latent grid and numbers out of range raise."""
    with pytest.raises(ValueError, match="expected"):
        replace(SAMPLING, **{field: value})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"continuation": None},
        {"times": (1.0, 0.75, 0.5, 0.125)},
        {"stochastic": True, "schedule": "linear_quadratic"},
    ],
)
def test_a_saved_plan_reads_back_equal(tmp_path: Path, changes: Any) -> None:
    """Every field survives the file."""
    config = replace(SAMPLING, **changes)
    config.save_pretrained(tmp_path)
    assert SamplingConfig.from_pretrained(tmp_path) == config


def test_a_folder_of_before_is_read(tmp_path: Path) -> None:
    """Under the file's former name too, unless the present one is there."""
    SAMPLING.save_pretrained(tmp_path)
    (tmp_path / FILE).rename(tmp_path / FORMER_FILE)
    assert SamplingConfig.from_pretrained(tmp_path) == SAMPLING
    replace(SAMPLING, steps=9).save_pretrained(tmp_path)
    assert SamplingConfig.from_pretrained(tmp_path).steps == 9


@pytest.mark.parametrize("text", [None, "{", "[]", json.dumps({"steps": 4})])
def test_missing_and_damaged_files_are_refused(tmp_path: Path, text: Any) -> None:
    """No file, no JSON, no object, or other fields: an error that names the file."""
    if text is not None:
        (tmp_path / FILE).write_text(text)
    with pytest.raises(ValueError, match=FILE):
        SamplingConfig.from_pretrained(tmp_path)


def test_the_least_and_the_most_of_a_plan() -> None:
    """A context of one frame, a chunk of eight, one step, no guidance, no noise, limits that are equal or endless."""
    least = replace(
        SAMPLING, context_frames=1, chunk_frames=8, steps=1, decode_timestep=0, decode_noise=0, carried_noise=0
    )
    assert replace(least, domain_limit=22.0).domain_limit == least.domain_warning
    replace(least, domain_limit=-math.inf)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"context_frames": -7}, r"8k\+1, got -7"),
        ({"chunk_frames": -8}, "multiple of 8, got -8"),
        ({"frame_rate": float("nan")}, "above 0, got 4 and nan"),
        ({"guidance": 0.99}, "at least 1, got 0.99"),
        ({"domain_limit": 22.5}, "got 22.5 and 22.0"),
        ({"domain_warning": math.inf}, "got 16.0 and inf"),
        ({"domain_limit": math.nan}, "got nan and 22.0"),
    ],
)
def test_what_lies_beside_a_bound_is_refused(changes: Any, said: str) -> None:
    """Each number with what it should be."""
    with pytest.raises(ValueError, match=said):
        replace(SAMPLING, **changes)


def test_only_what_is_not_usual_is_written() -> None:
    """A field at its default is left out, any other is there; a field that no sampling configuration has is refused."""
    usual = SAMPLING.to_dict()
    assert usual["steps"] == 4 and not {"times", "stochastic", "domain_limit"} & usual.keys()
    assert replace(SAMPLING, domain_limit=15.0).to_dict() == {**usual, "domain_limit": 15.0}
    assert replace(SAMPLING, stochastic=True).to_dict() == {**usual, "stochastic": True}


def test_nesting_without_end_is_no_plan(tmp_path: Path) -> None:
    """Refused as any damaged file."""
    (tmp_path / FILE).write_text("[" * 100_000)
    with pytest.raises(ValueError, match="expected a sampling configuration"):
        SamplingConfig.from_pretrained(tmp_path)
