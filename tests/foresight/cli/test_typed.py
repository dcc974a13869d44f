"""What an argument of a command takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from foresight.cli.typed import check_values, is_path, with_homes
from foresight.errors import UserError


def _ours(module: str) -> Callable[..., Any]:
    def make(clips: int, other: int, share: float, folder: Path | None, names: Sequence[str]) -> None: ...

    make.__module__ = module
    return make


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"clips": 0}, r"expected part\.clips= a whole number from 1, got 0"),
        ({"other": -1}, r"expected part\.other= a whole number from 0, got -1"),
        ({"clips": "1"}, r"expected part\.clips= a whole number, got '1'"),
        ({"share": True}, r"expected part\.share= a finite number, got True"),
        ({"folder": " "}, r"expected part\.folder= a path, got ' '"),
        ({"names": "a" * 78}, rf"each item text, got '{'a' * 78}'[^…]"),
        ({"names": "a" * 79}, rf"each item text, got '{'a' * 79}…"),
    ],
)
def test_what_an_argument_does_not_take_is_refused(values: dict[str, Any], message: str) -> None:
    """Counts begin at their least value, no other whole number is below 0; long values are cut after 80 characters."""
    with pytest.raises(UserError, match=message):
        check_values(_ours("foresight.things"), values, "part")


def test_what_an_argument_takes_passes() -> None:
    """The least values; numbers below 0 where fractions are taken, or where the function is another package's; names
    that are not declared; a text that is empty where no path is declared."""
    fine = {"clips": 1, "other": 0, "share": -1, "folder": None, "names": ["", "a"], "unknown": object()}
    check_values(_ours("foresight.things"), fine)
    check_values(_ours("elsewhere"), {"clips": 0, "other": -1})
    for package in ("ltx", "adapters"):
        with pytest.raises(UserError, match="expected clips= a whole number from 1"):
            check_values(_ours(package), {"clips": 0})


def test_home_is_filled_in_for_paths_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """`~/x` of a path is below the home folder; of anything else it stays."""
    monkeypatch.setenv("HOME", "/home/me")
    found = with_homes(_ours("foresight.things"), {"folder": "~/x", "names": "~/x", "other": 1, "unknown": "~/x"})
    assert found == {"folder": "/home/me/x", "names": "~/x", "other": 1, "unknown": "~/x"}


def test_paths_are_told_from_text() -> None:
    """Also where nothing, or something else, may be given instead."""
    assert is_path(Path | None) and is_path(int | (Path | None)) and not is_path(str)
