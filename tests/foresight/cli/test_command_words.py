"""Words of a command are the arguments of its function and the fields of its records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from foresight.cli.command_words import CommandWords, call
from foresight.cli.compose import ConfigError, build
from foresight.errors import UserError


@dataclass(frozen=True)
class Shape:
    """Two words, one with a default."""

    height: int
    width: int = 64


@dataclass(frozen=True)
class Ink:
    """A record that is constructed by itself."""

    colour: str


def draw(*, shape: Shape, name: str, ink: Ink, config: dict[str, Any]) -> tuple[Any, ...]:
    """A command."""
    return shape, name, ink, config


ENTRIES: dict[str, Any] = {"height": 32, "name": "a", "ink": Ink("red")}


def test_fields_of_a_record_are_words() -> None:
    """Flat entries become a record; one that the configuration has an entry for is left as it is."""
    assert build(draw, ENTRIES) == {"shape": Shape(32, 64), "name": "a", "ink": Ink("red"), "config": ENTRIES}
    assert call(draw, **ENTRIES, width=8, config={}) == (Shape(32, 8), "a", Ink("red"), {})


def test_words_are_known_by_their_types() -> None:
    """The type of a word is that of the field, and none is named after the record."""
    words = CommandWords(draw, ENTRIES)
    assert words.names == ["height", "width", "name", "ink", "config"]
    assert words.types["height"] is int and words.types["ink"] is Ink and words.optional == {"width"}


def test_a_field_is_checked_as_an_argument_is() -> None:
    """Another type, and a field that nobody gives, are told by the word."""
    with pytest.raises(UserError, match="height= a whole number"):
        build(draw, {**ENTRIES, "height": "tall"})
    with pytest.raises(ConfigError, match="a value for height"):
        build(draw, {name: value for name, value in ENTRIES.items() if name != "height"})
    with pytest.raises(ConfigError, match="got depth too"):
        build(draw, {**ENTRIES, "depth": 3})
