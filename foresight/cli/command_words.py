"""Words of a command: the arguments of its function, and the fields of the records among them.

`foresight predict` takes twenty words and its function eight arguments. An argument whose type is a dataclass, and that
the configuration has no entry for, is a record of words: the entries named as its fields.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from foresight.declared_types import hints


class CommandWords:
    """Words that a command takes.

    Args:
        function: of the command.
        entries: names at the top of its configuration.

    Attributes:
        names: of all words.
        types: of those with a declared one.
        optional: words that a record has a default for.
    """

    def __init__(self, function: Callable[..., Any], entries: Collection[str]) -> None:
        declared = hints(function)
        self.names: list[str] = []
        self.types: dict[str, Any] = {}
        self.optional: set[str] = set()
        self._owners: dict[Callable[..., Any], list[str]] = {function: []}
        self._records: dict[str, type] = {}
        for name in inspect.signature(function).parameters:
            kind = declared.get(name)
            if isinstance(kind, type) and is_dataclass(kind) and name not in entries:
                self._records[name] = kind
                self._add(kind, [field.name for field in fields(kind)], hints(kind))
                self.optional |= {
                    field.name
                    for field in fields(kind)
                    if field.default is not MISSING or field.default_factory is not MISSING
                }
            else:
                self._add(function, [name], declared)

    def _add(self, owner: Callable[..., Any], names: list[str], declared: Mapping[str, Any]) -> None:
        self._owners[owner] = [*self._owners.get(owner, []), *names]
        self.names += names
        self.types |= {name: declared[name] for name in names if name in declared}

    def by_owner(self, values: Mapping[str, Any]) -> Iterator[tuple[Callable[..., Any], dict[str, Any]]]:
        """The function and each record, with those of the values that are its own."""
        for owner, names in self._owners.items():
            yield owner, {name: values[name] for name in names if name in values}

    def arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of the function.

        Args:
            values: of the words, constructed.

        Raises:
            Exception: if a record refuses its values.
        """
        owned = dict(self.by_owner(values))
        records = {name: kind(**owned[kind]) for name, kind in self._records.items()}
        folded = {field.name for kind in self._records.values() for field in fields(kind)}
        return {name: value for name, value in values.items() if name not in folded} | records


def call(function: Callable[..., Any], **values: Any) -> Any:
    """Call a command's function with the values of all its words."""
    return function(**CommandWords(function, values).arguments(values))
