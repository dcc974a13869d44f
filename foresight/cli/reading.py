"""From what was typed to a value of the type that is declared for it. Text stays what was typed, whatever it holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from foresight.cli.brackets import Text, Typed, parse
from foresight.declared_types import item_types, options, said, value_type
from foresight.errors import UserError

_INTEGER = re.compile(r"[+-]?\d{1,4000}")
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?\.?(inf|nan)|[+-]?infinity", re.IGNORECASE)
_SWITCHES = {"true": True, "false": False}

Hints = Callable[[str], Mapping[str, Any]]
"""From the name of a class or function to the types of its arguments."""


def taken_apart(text: str, hint: Any, place: str) -> Typed:
    """A typed value, with brackets taken apart where the declared type is more than text.

    Args:
        text: as typed.
        hint: declared type.
        place: the entry's name, for messages.

    Raises:
        UserError: if brackets do not close.
    """
    if all(option in (str, Path, NoneType) or get_origin(option) is Literal for option in options(hint)):
        return Text(text)
    try:
        return parse(text)
    except UserError as error:
        raise UserError(expected=f"{place}= with {error.expected}", got=error.got, remedy=error.remedy) from error


def convert(typed: Typed, hint: Any, place: str, hints: Hints) -> Any:
    """The value of an entry.

    Args:
        typed: what was typed.
        hint: declared type; `Any` lets it be what it looks like: a number, true, false, null, or text.
        place: the entry's name, for messages.
        hints: tells the types inside a mapping with a `_target_`.

    Raises:
        UserError: if it is no such value.
    """
    if isinstance(typed, Text):
        return _scalar(typed, hint, place)
    known = options(hint)
    if isinstance(typed, list):
        kinds = [Any] * len(typed) if Any in known else None
        for option in known:
            kinds = kinds if kinds is not None else item_types(option, len(typed))
        if kinds is None:
            raise _refused(hint, place, f"a list of {len(typed)}")
        return [convert(item, kinds[index], f"{place}[{index}]", hints) for index, item in enumerate(typed)]
    if all(option in (str, Path, int, float, bool, NoneType) or item_types(option, 1) for option in known):
        raise _refused(hint, place, "a mapping")
    target = typed.get("_target_")
    if isinstance(target, Text):
        inner = {"_target_": str, **hints(target.text)}
        kinds_of = {name: inner.get(name, Any) for name in typed}
    else:
        declared = [kind for option in known if (kind := value_type(option)) is not None]
        kinds_of = dict.fromkeys(typed, declared[0] if declared else Any)
    return {name: convert(value, kinds_of[name], f"{place}.{name}", hints) for name, value in typed.items()}


def _scalar(typed: Text, hint: Any, place: str) -> Any:
    text, known = typed.text, options(hint)
    anything = Any in known
    choices = [choice for option in known if get_origin(option) is Literal for choice in get_args(option)]
    if chosen := [choice for choice in choices if str(choice) == text]:
        return chosen[0]
    if not typed.quoted:
        if (NoneType in known or anything) and text.lower() == "null":
            return None
        if (bool in known or anything) and text.lower() in _SWITCHES:
            return _SWITCHES[text.lower()]
        if (int in known or float in known or anything) and _INTEGER.fullmatch(text):
            return int(text)
        if float in known and _FLOAT.fullmatch(text):
            return float(text.replace(".inf", "inf").replace(".nan", "nan"))
        if anything and _FLOAT.fullmatch(text) and text[-1] in "0123456789.":
            return float(text)
    if anything or any(option in (str, Path) or _named_by_text(option) for option in known):
        return text
    raise _refused(hint, place, repr(text if len(text) <= 60 else f"{text[:60]}…"))


def _named_by_text(option: Any) -> bool:
    """Types of other packages that a word stands for, such as a precision."""
    return isinstance(option, type) and option.__module__ in ("torch", "datetime")


def _refused(hint: Any, place: str, got: str) -> UserError:
    remedy = f"give {place}= such a value"
    if "${" in got:
        remedy += " itself: what is typed is taken as it is, and nothing filled in"
    elif "," in got:
        remedy += "; one run takes one: to try several, start the command once for each"
    return UserError(expected=f"{place}= {said(hint)}", got=got, remedy=remedy)
