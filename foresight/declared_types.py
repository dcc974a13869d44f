"""Declared types of arguments and fields: what they are in words, and whether a plain value is of one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

WORDS = {
    int: "a whole number",
    float: "a finite number",
    str: "text",
    bool: "true or false",
    NoneType: "null",
    Path: "a path",
}


def hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Types of a function's or a class's arguments; none where they cannot be read."""
    # An annotation of another package may name what only type checkers import.
    with suppress(NameError, TypeError, AttributeError):
        if is_dataclass(function):  # inherited fields are read where they were declared
            return get_type_hints(function)
        maker = function.__init__ if isinstance(function, type) else function  # type: ignore[misc]  # only read
        return get_type_hints(maker)
    return {}


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


def check_fields(record: Any) -> None:
    """Refuse a record, such as one that was read from a file, whose fields hold other plain values than they declare.

    Raises:
        TypeError: naming the first of them.
    """
    assert is_dataclass(record)
    declared = hints(type(record))
    for field in fields(record):
        value = getattr(record, field.name)
        if not fits(value, declared.get(field.name, Any)):
            raise TypeError(f"{field.name} is {repr(value)[:60]}, not {said(declared[field.name])}")
