"""Lists and mappings as they are typed."""

from __future__ import annotations

from typing import Any

import pytest

from foresight.cli.brackets import DEEPEST, Text, Typed, parse
from foresight.errors import UserError


def plain(typed: Typed) -> Any:
    """Texts as they are, quoted ones behind an equals sign."""
    match typed:
        case Text(text, quoted):
            return f"={text}" if quoted else text
        case list():
            return [plain(item) for item in typed]
        case dict():
            return {name: plain(value) for name, value in typed.items()}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", ""),
        (" a ", "a"),
        ("'", "'"),
        ("''", "="),
        ("'a'", "=a"),
        ("'tis so", "'tis so"),
        (r"'it\'s'", "=it's"),
        ("a]", "a]"),
        ("[]", []),
        ("{}", {}),
        ("[ ]", []),
        ("[a]", ["a"]),
        ("[a, b]", ["a", "b"]),
        ("[a, b,]", ["a", "b"]),
        ("[, a]", ["", "a"]),
        ("['a, b', \"c]\", d]", ["=a, b", "=c]", "d"]),
        ("[don't, won't]", ["don't", "won't"]),
        ("[[a, b], {c: d, e: [f]}]", [["a", "b"], {"c": "d", "e": ["f"]}]),
        ("{a: 1, b: x:y}", {"a": "1", "b": "x:y"}),
        ("{'a: b': c, \"d\" : 'e'}", {"a: b": "c", "d": "=e"}),
        ("{a: }", {"a": ""}),
        ("[(a}, b]", ["(a}", "b"]),
    ],
)
def test_what_is_typed_is_meant(typed: str, meant: Any) -> None:
    """Commas part items; a quote counts where it opens and closes an item, a bracket where it closes another."""
    assert plain(parse(typed)) == meant


@pytest.mark.parametrize("typed", ["[a", "[a] b", "[[a]", "{a: [b}", "[a]]", "{", "["])
def test_brackets_close_at_the_end(typed: str) -> None:
    """Each its own, and nothing behind the last."""
    with pytest.raises(UserError, match="brackets that close"):
        parse(typed)


@pytest.mark.parametrize("typed", ["{a}", "{a: b, c}", "{'a'}"])
def test_items_of_a_mapping_have_names(typed: str) -> None:
    """A name, and a colon right behind it."""
    with pytest.raises(UserError, match="name: value"):
        parse(typed)


def test_brackets_are_nested_32_deep() -> None:
    """An item may lie within 32 brackets, not within 33."""
    assert plain(parse("[" * DEEPEST + "a" + "]" * DEEPEST))
    with pytest.raises(UserError, match="at most 32 levels"):
        parse("[" * (DEEPEST + 1) + "a" + "]" * (DEEPEST + 1))
