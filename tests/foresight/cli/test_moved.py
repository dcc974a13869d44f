"""Recordings of earlier versions: every part that was renamed is found by its old name."""

from __future__ import annotations

import pytest

from foresight.cli.allowed import PURPOSES, check_target, locate
from foresight.cli.moved import MOVED, present


@pytest.mark.parametrize(("then", "now"), MOVED.items())
def test_a_moved_part_is_there_and_allowed(then: str, now: str) -> None:
    """The present name can be constructed, and the old one is no name any more."""
    check_target(now, "part")
    assert callable(locate(now))
    assert then not in {name for names in PURPOSES.values() for name in names}


def test_targets_are_renamed_wherever_they_stand() -> None:
    """Targets in lists and mappings are brought up to date; other values that read alike stay."""
    then, now = next(iter(MOVED.items()))
    recorded = {"a": [{"_target_": then, "name": then}, 3], "_target_": "foresight.loop.Budget", "b": {"_target_": 5}}
    expected = {"a": [{"_target_": now, "name": then}, 3], "_target_": "foresight.loop.Budget", "b": {"_target_": 5}}
    assert present(recorded) == expected
