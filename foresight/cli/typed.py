"""Whether the plain values of a configuration are what a command's arguments say, before anything is constructed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from foresight.errors import UserError

WORDS = {
    int: "a whole number",
    float: "a finite number",
    str: "text",
    bool: "true or false",
    NoneType: "null",
    Path: "a path",
}


def check_values(function: Callable[..., Any], values: Mapping[str, Any], place: str = "") -> None:
    """Refuse numbers, texts, switches and lists of them that a function does not take.

    Arguments that are constructed, such as models, are not looked at.

    Args:
        function: a function or class with annotated arguments; those that cannot be read are not checked.
        values: by name.
        place: where they stand in a configuration, for messages.

    Raises:
        UserError: naming the argument, what it takes, and what came.
    """
    hints = _hints(function)
    for name, value in values.items():
        if name in hints and not fits(value, hints[name]):
            full = f"{place}.{name}" if place else name
            raise UserError(
                expected=f"{full}= {said(hints[name])}", got=repr(value), remedy=f"give {full}= such a value"
            )


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    # An annotation of another package may name what only type checkers import.
    with suppress(NameError, TypeError, AttributeError):
        maker = function.__init__ if isinstance(function, type) else function  # type: ignore[misc]  # only read
        return get_type_hints(maker)
    return {}


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a plain type; every value fits a type that is not plain."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(fits(value, part) for part in parts)
    if origin is Literal:
        return value in parts
    if origin is Sequence:
        return isinstance(value, list | tuple) and all(fits(item, parts[0]) for item in value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is Path:
        return isinstance(value, str | Path)
    return hint not in WORDS or isinstance(value, hint)


def said(hint: Any) -> str:
    """A type in words."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(map(said, parts))
    if origin is Literal:
        return " or ".join(map(str, parts))
    if origin is Sequence:
        return f"a list, each item {said(parts[0])}"
    return WORDS.get(hint, getattr(hint, "__name__", str(hint)))
