"""What may be asked of a world model, at the bounds."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from foresight.errors import UserError
from foresight.world.request import check_clips, check_spoken
from foresight.world.sampling import Sampling

FINE: dict[str, Any] = {
    "contexts": torch.zeros(2, 3, 9, 4, 4),
    "instructions": ["", ""],
    "horizon": 1,
    "candidates": 1,
    "noise_level": "auto",
    "steps": None,
}


def check_request(change: dict[str, Any]) -> None:
    asked = {**FINE, **change}
    check_clips(*(asked.pop(name) for name in ("contexts", "instructions", "horizon")))
    Sampling(**asked)


@pytest.mark.parametrize(
    "change",
    [{}, {"candidates": 1024}, {"steps": 1}, {"steps": 1000}, {"noise_level": 0}, {"noise_level": 1.0}, {"horizon": 9}],
)
def test_what_can_be_answered(change: dict[str, Any]) -> None:
    """The least and the most of everything."""
    check_request(change)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"contexts": torch.zeros(2, 3, 9, 4)}, "clips"),
        ({"contexts": torch.zeros(2, 4, 9, 4, 4)}, r"clips .*got \(2, 4, 9, 4, 4\) and 2 instructions"),
        ({"instructions": [""]}, "and 1 instructions"),
        ({"horizon": 0}, "horizon of at least 1 frame, got 0"),
        ({"candidates": 0}, "1 to 1024 candidates, got 0"),
        ({"candidates": 1025}, "1 to 1024 candidates, got 1025"),
        ({"steps": 0}, "1 to 1000 steps, got 0"),
        ({"steps": 1001}, "1 to 1000 steps, got 1001"),
        ({"noise_level": -0.1}, "noise level in .*got -0.1"),
        ({"noise_level": 1.1}, "noise level in .*got 1.1"),
        ({"noise_level": "high"}, "noise level in .*got 'high'"),
    ],
)
def test_what_cannot_be_answered(change: dict[str, Any], said: str) -> None:
    """Each with what it should be."""
    with pytest.raises(UserError, match=said):
        check_request(change)


def test_a_vlm_is_told_something() -> None:
    """Blanks are nothing, for any of the clips."""
    check_spoken(["a", "b"])
    for told in (["", "a"], ["a", " "]):
        with pytest.raises(UserError, match="an instruction"):
            check_spoken(told)


def test_every_candidate_has_a_seed_of_its_own() -> None:
    """Candidate i is drawn with seed + i."""
    assert Sampling(candidates=3, seed=7).seeds == [7, 8, 9]
