"""Which plain values a declared type takes, and how it is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from foresight.declared_types import check_fields, fits, hints, item_types, said, value_type
from foresight.evaluation.prediction.benchmark import PredictionBenchmark
from foresight.physics import PhysicsConfig

NAN, INFINITE = float("nan"), float("inf")


class Thing:
    """Of no plain type."""


@pytest.mark.parametrize(
    ("hint", "taken", "refused"),
    [
        (float, [1.5, 1, -2], [True, NAN, INFINITE, "1", None]),
        (int, [1, 0, -1], [True, 1.0, "1", None, {}]),
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


@dataclass
class Record:
    """As it might be read from a file."""

    count: int
    name: str | None


def test_a_record_holds_what_it_declares() -> None:
    """The first field that does not is named, with what it holds and what it should."""
    check_fields(Record(1, None))
    with pytest.raises(TypeError, match="count is '1', not a whole number"):
        check_fields(Record("1", 2))  # type: ignore[arg-type]  # what is tested
    with pytest.raises(TypeError, match="name is 2, not text or null"):
        check_fields(Record(1, 2))  # type: ignore[arg-type]


def test_inherited_fields_are_read_where_they_were_declared() -> None:
    """A record whose module does not know the type of a field that it inherits declares that field all the same."""
    found = hints(PredictionBenchmark)
    assert found["physics"] is PhysicsConfig and found["clips"] is int and found["library"] is int
