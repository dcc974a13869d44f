"""What a typed word becomes, by the type that the command declares."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from foresight.cli.brackets import Text
from foresight.cli.reading import convert
from foresight.errors import UserError


def read(text: str, hint: Any, *, quoted: bool = False) -> Any:
    return convert(Text(text, quoted), hint, "name", lambda target: {})


@pytest.mark.parametrize(
    ("text", "hint", "value"),
    [
        # Nothing is nothing only where it may be; elsewhere it is a word.
        *[("null", str | None, None), ("NULL", int | None, None), ("null", Any, None), ("null", str, "null")],
        *[("true", bool, True), ("False", bool | None, False), ("true", Any, True), ("true", str, "true")],
        *[("7", int, 7), ("-7", Any, -7), ("7", float, 7), ("7", str, "7"), ("7", Path, "7")],
        *[("1.5", float, 1.5), ("1e-3", float, 0.001), ("1.5", Any, 1.5), ("1.5", str, "1.5")],
        *[("1e5", Any, 100000.0), ("-2e3", Any, -2000.0), (".inf", Any, ".inf")],
        *[(".inf", float, float("inf")), ("a, b", str, "a, b"), ("fast", Literal["fast", "slow"], "fast")],
        *[("8", Literal[8, 16], 8), ("2", Literal["2", "3"], "2")],
    ],
)
def test_a_word_is_what_its_type_says(text: str, hint: Any, value: Any) -> None:
    """Read by the declared type, and by its looks where any is declared."""
    found = read(text, hint)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize("text", ["null", "true", "7", "1.5"])
def test_what_is_quoted_is_text(text: str) -> None:
    """Whatever it looks like."""
    assert read(text, Any, quoted=True) == read(text, str | None, quoted=True) == text


@pytest.mark.parametrize(("text", "hint"), [("x", int), ("1.5", int), ("null", int), ("quick", Literal["fast"])])
def test_a_word_of_another_type_is_refused(text: str, hint: Any) -> None:
    """With the name of the entry and what came."""
    with pytest.raises(UserError, match="name") as caught:
        read(text, hint)
    assert text in str(caught.value)
