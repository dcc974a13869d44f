"""Lists and mappings as they are typed: `[a, b]` and `{file: a.png, start: 0}`, their items still text.

Unlike YAML and Hydra's grammar, an item is whatever stands between two commas: no character but comma, bracket and a
quote that opens and closes it means anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from foresight.errors import UserError

CLOSING = {"[": "]", "{": "}"}
DEEPEST = 32
"""Levels of brackets; nothing that is typed comes near it."""


@dataclass(frozen=True)
class Text:
    """An item: its text without the quotes around it, and whether there were any."""

    text: str
    quoted: bool = False


_ENDS = r"(?=\s*(?:[,:\]}]|$))"
_QUOTED = {quote: re.compile(rf"(?:[^\\{quote}]|\\.|{quote}(?!{_ENDS}))*{quote}{_ENDS}", re.DOTALL) for quote in "'\""}
"""From behind an opening quote to the same one before a comma, a colon, a bracket or the end."""

Typed = Text | list["Typed"] | dict[str, "Typed"]
"""What was typed: a text, or a list or mapping of such."""


def parse(text: str, depth: int = 0) -> Typed:
    """Take brackets apart.

    Raises:
        UserError: if brackets do not close, are nested without end, or a mapping's item has no name.
    """
    text = text.strip()
    if depth > DEEPEST:
        raise UserError(expected=f"at most {DEEPEST} levels of brackets", got="more", remedy="write fewer")
    if text[:1] not in CLOSING or not text:
        return _unquoted(text)
    items = _items(text)
    if text[0] == "[":
        return [parse(item, depth + 1) for item in items]
    pairs: dict[str, Typed] = {}
    for item in items:
        end = _quote_end(item, 0)
        name, colon, value = item.partition(":") if end is None else (item[: end + 1], *_after(item[end + 1 :]))
        if not colon:
            raise UserError(expected="items written {name: value}", got=repr(item), remedy="give each item its name")
        pairs[_unquoted(name.strip()).text] = parse(value, depth + 1)
    return pairs


def _items(text: str) -> list[str]:
    """The parts of a bracket between its commas; none of an empty one."""
    open_brackets: list[str] = []
    items, begin, index, fresh = [], 1, 0, False
    while index < len(text):
        character = text[index]
        end = _quote_end(text, index) if fresh else None
        if end is not None:
            index, fresh = end + 1, False
            continue
        if character in CLOSING:
            open_brackets.append(character)
        elif open_brackets and character == CLOSING[open_brackets[-1]]:
            open_brackets.pop()
            if not open_brackets:
                break
        elif character == "," and len(open_brackets) == 1:
            items.append(text[begin:index].strip())
            begin = index + 1
        fresh = character in "[{,:" or (fresh and character.isspace())
        index += 1
    if open_brackets or index != len(text) - 1:
        raise UserError(
            expected="brackets that close at the end of a value",
            got=repr(text),
            remedy="put items with brackets in quotes",
        )
    last = text[begin:index].strip()
    return [*items, last] if last else items


def _quote_end(text: str, begin: int) -> int | None:
    """Index of the quote that closes an item; None where none does, as in 'tis."""
    quote = text[begin : begin + 1]
    if quote not in ("'", '"') or not quote:
        return None
    found = _QUOTED[quote].match(text, begin + 1)
    return None if found is None else found.end() - 1


def _unquoted(text: str) -> Text:
    if _quote_end(text, 0) == len(text) - 1 and len(text) > 1:
        return Text(re.sub(r"\\(['\"\\])", r"\1", text[1:-1]), quoted=True)
    return Text(text)


def _after(rest: str) -> tuple[str, str]:
    before, colon, value = rest.partition(":")
    return ("", "") if before.strip() else (colon, value)
