"""Whether the plain values of a configuration are what a command's arguments say, before anything is constructed."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
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

LEAST = {"clips": 1, "count": 1, "candidates": 1, "options": 2, "batch": 1, "shard": 1, "frames": 1}
"""What some arguments of ours, which count things, are at least; no other is below 0."""


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
    declared = hints(function)
    ours = str(function.__module__).split(".")[0] in ("ltx", "adapters", "foresight")
    for name, value in values.items():
        full = f"{place}.{name}" if place else name
        if isinstance(value, str) and any(_is_device(option) for option in options(declared.get(name))):
            from foresight.world.placement import choose_device

            choose_device(value)
        if isinstance(value, str) and not value.strip() and is_path(declared.get(name)):
            raise UserError(expected=f"{full}= a path", got=repr(value), remedy=f"give {full}= one")
        if name in declared and not fits(value, declared[name]):
            raise UserError(
                expected=f"{full}= {said(declared[name])}", got=_shown(value), remedy=f"give {full}= such a value"
            )
        least = LEAST.get(name, 0)
        if name in declared and ours and _counts(value, declared[name]) and value < least:
            raise UserError(
                expected=f"{full}= a whole number from {least}", got=repr(value), remedy=f"give {full}= such a number"
            )


def _counts(value: Any, hint: Any) -> bool:
    """Whether a value is a whole number where only whole numbers are taken."""
    return isinstance(value, int) and not isinstance(value, bool) and not fits(0.5, hint)


def hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Types of a function's or a class's arguments; none where they cannot be read."""
    # An annotation of another package may name what only type checkers import.
    with suppress(NameError, TypeError, AttributeError):
        maker = function.__init__ if isinstance(function, type) else function  # type: ignore[misc]  # only read
        return get_type_hints(maker)
    return {}


def with_homes(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with `~` at the beginning of every declared path filled in, which not every shell does."""
    declared = hints(function)
    return {
        name: os.path.expanduser(value) if isinstance(value, str) and is_path(declared.get(name)) else value
        for name, value in values.items()
    }


def is_path(hint: Any) -> bool:
    """Whether a path is declared."""
    return Path in options(hint)


def options(hint: Any) -> tuple[Any, ...]:
    """The types of a union; of any other type itself."""
    if get_origin(hint) in (Union, UnionType):
        return tuple(part for option in get_args(hint) for part in options(option))
    return (hint,)


def item_types(hint: Any, count: int) -> list[Any] | None:
    """The types of that many items; None if the type is that of no list, or of lists of another length."""
    origin, parts = get_origin(hint) or hint, get_args(hint)
    if origin is tuple and parts and parts[-1] is not Ellipsis:
        return list(parts) if len(parts) == count else None
    if origin is Iterable or (isinstance(origin, type) and issubclass(origin, Sequence) and origin not in (str, bytes)):
        return [parts[0] if parts else Any] * count
    return None


def value_type(hint: Any) -> Any:
    """The type of a mapping's values; None if the type is that of no mapping."""
    origin, parts = get_origin(hint) or hint, get_args(hint)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return parts[1] if len(parts) == 2 else Any
    return None


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a plain type; every value fits a type that is not plain."""
    if len(options(hint)) > 1:
        return any(fits(value, option) for option in options(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if item_types(hint, 0) is not None or get_origin(hint) is tuple:
        kinds = item_types(hint, len(value)) if isinstance(value, list | tuple) else None
        return kinds is not None and all(map(fits, value, kinds))
    if value_type(hint) is not None and isinstance(value, Mapping):
        return all(fits(item, value_type(hint)) for item in value.values())
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
        return " or ".join(dict.fromkeys(map(said, parts)))
    if origin is Literal:
        return " or ".join(map(str, parts))
    if origin is tuple and parts[-1] is not Ellipsis:
        return f"a list of {len(parts)}, each {said(parts[0])}"
    if item_types(hint, 1) is not None:
        return f"a list, each item {said((item_types(hint, 1) or [Any])[0])}"
    if value_type(hint) is not None:
        return "a mapping {name: value}"
    if hint is Any:
        return "a value"
    return WORDS.get(hint, f"a {getattr(hint, '__name__', hint)}")


def _is_device(hint: Any) -> bool:
    # Not compared with torch.device: torch is imported by what declares one.
    return getattr(hint, "__module__", "") == "torch" and getattr(hint, "__name__", "") == "device"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
