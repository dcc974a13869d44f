"""Setting entries of a plain configuration to what was typed, each by the type that is declared for it.

The one place that decides what is text and what a number, a list or a part: the signature of the command for its own
arguments, the signature of a part's `_target_` for what lies in it, and where neither says anything the kind of value
that the configuration holds.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from foresight.cli.brackets import Text, Typed
from foresight.cli.reading import convert, taken_apart
from foresight.cli.words import Word
from foresight.declared_types import hints, item_types, options, value_type
from foresight.errors import UserError

Node = dict[str, Any] | list[Any]


class Entries:
    """The entries of a command's configuration.

    Args:
        config: plain values, interpolations not yet resolved; is changed.
        command: types of the command's arguments; empty where they are not known.
        locate: the class or function that a `_target_` names; raises if it may not be named.
        protect: makes a text one in which nothing is interpolated.
        choices: names beside those of the entries, to be told of.
    """

    def __init__(
        self,
        config: dict[str, Any],
        command: Mapping[str, Any],
        locate: Callable[[str], Callable[..., Any]],
        protect: Callable[[str], str],
        choices: Collection[str] = (),
    ) -> None:
        self.config = config
        self._command, self._locate, self._protect, self._choices = command, locate, protect, choices

    def apply(self, word: Word) -> None:
        """Set, add or take away what a word says.

        Raises:
            UserError: if there is no such entry, or it takes another kind of value.
        """
        node: Any = self.config
        declared: Any = Any
        for depth, part in enumerate(word.path[:-1]):
            declared = self._declared(node, declared, part)
            if not _has(node, part):
                raise self._unknown(word.key, node)
            node = _child(node, part)
            if isinstance(node, str) and "${" in node:
                raise UserError(
                    expected=f"an entry of its own at {'.'.join(word.path[: depth + 1])}",
                    got=f"one that follows {node}",
                    remedy="set that one",
                )
            if not isinstance(node, dict | list):
                raise self._unknown(word.key, self.config)
        name = word.path[-1] if word.path else word.key
        if word.sign == "~":
            if not _has(node, name):
                raise self._unknown(word.key, node)
            del node[_index(node, name)]
            return
        declared = self._kind(node, declared, name)
        self._set(node, name, taken_apart(word.value or "", declared, word.key), declared, word)

    def _set(self, node: Node, name: str, typed: Typed, declared: Any, word: Word, inside: str = "") -> None:
        """Set an entry; a mapping is set entry by entry, unless it names another part than the one that is there."""
        place = f"{word.key}{inside}"
        there = _has(node, name)
        if not there and not self._may_add(node, name, word.sign, bool(inside)):
            raise self._unknown(place, node)
        before = _child(node, name) if there else None
        if isinstance(typed, dict) and isinstance(before, dict) and _same_part(typed, before):
            for key, value in typed.items():
                self._set(before, key, value, self._kind(before, declared, key), word, f"{inside}.{key}")
            return
        value = convert(typed, declared, place, lambda target: hints(self._locate(target)))
        node[_index(node, name)] = self._protected(value)

    def _kind(self, node: Node, hint: Any, name: str) -> Any:
        """The type of an entry: declared, or where nothing is, that of the value that is there."""
        declared = self._declared(node, hint, name)
        return _like(_child(node, name)) if declared is Any and _has(node, name) else declared

    def _declared(self, node: Node, hint: Any, name: str) -> Any:
        if node is self.config:
            return self._command.get(name, Any)
        if isinstance(node, dict) and "_target_" in node:
            return str if name == "_target_" else hints(self._locate(node["_target_"])).get(name, Any)
        for option in options(hint):
            kinds = item_types(option, 1) if isinstance(node, list) else None
            kind = kinds[0] if kinds else value_type(option)
            if kind is not None:
                return kind
        return Any

    def _may_add(self, node: Node, name: str, sign: str, inside: bool) -> bool:
        if isinstance(node, list) or (node is self.config and self._command):
            return False
        taken = self._taken(node)
        return (sign != "" or inside) if taken is None else name in taken or name in ("_target_", "_partial_")

    def _taken(self, node: Node) -> Sequence[str] | None:
        """The names that a part takes; None where any may be given."""
        if not isinstance(node, dict) or "_target_" not in node:
            return None
        try:
            parameters = inspect.signature(self._locate(node["_target_"])).parameters
        except (TypeError, ValueError):  # a class written in C says nothing
            return None
        if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
            return None
        return list(parameters)

    def _protected(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._protected(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._protected(item) for item in value]
        return self._protect(value) if isinstance(value, str) else value

    def _unknown(self, key: str, node: Node) -> UserError:
        """An error that names the nearest entry beside the one that is not there, or of that name elsewhere."""
        *above, name = key.rsplit(".", 1)
        prefix = f"{above[0]}." if above and node is not self.config else ""
        names = [*node, *(self._taken(node) or ())] if isinstance(node, dict) else []
        names += self._choices if node is self.config else ()
        near = [prefix + match for match in get_close_matches(name, names, n=1, cutoff=0.6)]
        near += [place for place in _places(self.config) if place.rsplit(".", 1)[-1] == name][:1]
        near += get_close_matches(key, list(_places(self.config)), n=1, cutoff=0.8)
        remedy = f"did you mean {near[0]}=?" if near else "`--help` and `--cfg job` show what there is"
        if prefix and self._taken(node) is None:
            remedy += f"; +{key}= adds it"
        return UserError(expected="the name of an option", got=f"{key}=", remedy=remedy)


def _same_part(typed: Mapping[str, Typed], before: Mapping[str, Any]) -> bool:
    target = typed.get("_target_", Text(str(before.get("_target_"))))
    return isinstance(target, Text) and target.text == str(before.get("_target_"))


def _places(node: Any, prefix: str = "") -> Iterator[str]:
    """Full names of all entries that have names."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield f"{prefix}{name}"
            yield from _places(value, f"{prefix}{name}.")


def _has(node: Any, name: str) -> bool:
    if isinstance(node, list):
        return name.isdecimal() and int(name) < len(node)
    return name in node


def _index(node: Node, name: str) -> Any:
    return int(name) if isinstance(node, list) else name


def _child(node: Any, name: str) -> Any:
    return node[_index(node, name)]


def _like(value: Any) -> Any:
    """The type of a value that a configuration holds."""
    if isinstance(value, bool):
        return bool
    if isinstance(value, int | float):
        return int | float
    if isinstance(value, str) and "${" not in value:
        return str
    if isinstance(value, list):
        return list[Any]
    return dict[str, Any] if isinstance(value, dict) else Any
