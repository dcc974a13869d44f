"""Which plain values an argument takes, and how its type is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from foresight.cli.typed import check_values, fits, is_path, item_types, said, value_type, with_homes
from foresight.errors import UserError

NAN, INFINITE = float("nan"), float("inf")


class Thing:
    """Of no plain type."""


@pytest.mark.parametrize(
    ("hint", "taken", "refused"),
    [
        (float, [1.5, 1, -2], [True, NAN, INFINITE, "1", None]),
        (int, [1, 0, -1], [True, 1.0, "1", None]),
        (bool, [True, False], [1, "true"]),
        (str, ["", "a"], [1, Path("a")]),
        (Path, ["a", Path("a")], [1, None]),
        (int | None, [1, None], ["a", 1.5]),
        (Literal["a", "b"], ["a", "b"], ["c", 1]),
        (tuple[int, str], [[1, "a"], (1, "a")], [[1], [1, 2], ["a", "a"], [1, "a", "a"], 5, "ab"]),
        (tuple[int, ...], [[], [1], (1, 2, 3)], [["a"], [1, "a"], 1]),
        (Sequence[str], [[], ["a", "b"]], ["ab", [1], 1]),
        (Iterable[int], [[1]], [["a"], 1]),
        (Mapping[str, int], [{}, {"a": 1}], [{"a": "b"}, {"a": 1, "b": 1.5}]),
        (Thing, [1, "a", None], []),
    ],
)
def test_values_of_plain_types(hint: Any, taken: list[Any], refused: list[Any]) -> None:
    """Switches are no numbers, numbers are finite, texts are no lists; what is not plain is not judged."""
    assert [fits(value, hint) for value in taken] == [True] * len(taken)
    assert [fits(value, hint) for value in refused] == [False] * len(refused)


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int | None, "a whole number or null"),
        (float | int | float, "a finite number or a whole number"),
        (Literal["a", 2], "a or 2"),
        (tuple[int, int], "a list of 2, each a whole number"),
        (tuple[str, ...], "a list, each item text"),
        (list[str], "a list, each item text"),
        (Sequence, "a list, each item a value"),
        (dict[str, int], "a mapping {name: value}"),
        (Any, "a value"),
        (Path, "a path"),
        (Thing, "a Thing"),
    ],
)
def test_types_in_words(hint: Any, words: str) -> None:
    """As an error message says what it expected."""
    assert said(hint) == words


def test_types_of_items_and_values() -> None:
    """A pair has two, a list any number; text and bytes are no lists, and only mappings have values."""
    assert item_types(tuple[int, str], 2) == [int, str] and item_types(tuple[int, str], 3) is None
    assert item_types(list[int], 3) == item_types(tuple[int, ...], 3) == [int] * 3
    assert [item_types(hint, 1) for hint in (str, bytes, int, dict[str, int])] == [None] * 4
    assert item_types(list, 1) == [Any] and value_type(dict) is Any
    assert value_type(Mapping[str, int]) is int and value_type(list[int]) is None and value_type(None) is None
    assert is_path(Path | None) and is_path(int | (Path | None)) and not is_path(str)


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
