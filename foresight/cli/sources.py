"""Origin of each value of a configuration: the file or the word of the command line that set it last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from foresight.cli.choices import TREE
from foresight.cli.words import Word

COMMAND_LINE = "command line"
DERIVED = "derived from the models that are named"
WIDEST = 56
"""Columns of a value before its origin; longer ones push it to the right."""

Place = tuple[str, ...]


class Sources:
    """Origins by place.

    Args:
        folders: of configurations of the user's own.
    """

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._folders = folders
        self._origin: dict[Place, str] = {}
        self._references: Any = {}

    def read(self, chosen: Sequence[tuple[str, str]]) -> None:
        """Note the values of configuration files, each by its name and the entry that it fills, later ones last."""
        for name, package in chosen:
            found = self._find(name)
            if found is not None:
                values = yaml.safe_load(found.read_text(encoding="utf-8")) or {}
                values.pop("defaults", None)
                shown = f"{name}.yaml" if not isinstance(found, Path) or self._shipped(found) else str(found)
                self.note(tuple(package.split(".")) if package else (), values, shown)

    def note(self, place: Place, value: Any, origin: str) -> None:
        """Note that a value was set; of a mapping, each entry that it has."""
        if isinstance(value, Mapping) and value:
            for key, inner in value.items():
                self.note((*place, str(key)), inner, origin)
            return
        for known in [known for known in self._origin if known[: len(place)] == place or place[: len(known)] == known]:
            del self._origin[known]
        self._origin[place] = origin

    def note_changes(self, before: Mapping[str, Any], after: Mapping[str, Any], word: Word) -> None:
        """Note what a word of the command line set."""
        earlier = dict(_leaves(before))
        for place, value in _leaves(after):
            # What is typed as it was already is typed all the same.
            if place not in earlier or earlier[place] != value or place == word.path:
                self.note(place, value, COMMAND_LINE)

    def keep_references(self, config: Any) -> None:
        """Remember a configuration before its interpolations are resolved, to tell what a value refers to."""
        self._references = config

    def of(self, place: Place) -> str:
        """Origin of the value at a place, with what it refers to."""
        nearest = next((place[:end] for end in range(len(place), 0, -1) if place[:end] in self._origin), None)
        origin = DERIVED if nearest is None else self._origin[nearest]
        node = self._references
        for part in place:
            node = node.get(part) if isinstance(node, Mapping) else None
        refers = isinstance(node, str) and "${" in node and "${typed:" not in node
        return f"{origin}: {node}" if refers else origin

    def text(self, config: Mapping[str, Any], place: Place = ()) -> Iterator[str]:
        """Lines of YAML, each value with its origin."""
        pad = "  " * len(place)
        for key, value in config.items():
            here = (*place, str(key))
            if isinstance(value, Mapping) and value:
                yield f"{pad}{key}:"
                yield from self.text(value, here)
            elif isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
                yield f"{pad}{key}:".ljust(WIDEST) + f"  # {self.of(here)}"
                block = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
                yield from (f"{pad}  {line}" for line in block.splitlines())
            else:
                yield f"{pad}{key}: {_inline(value)}".ljust(WIDEST) + f"  # {self.of(here)}"

    def _find(self, name: str) -> Traversable | None:
        trees: list[Traversable] = [*self._folders, files(TREE)]
        for tree in trees:
            found = tree / f"{name}.yaml"
            if found.is_file():
                return found
        return None

    def _shipped(self, file: Path) -> bool:
        return not any(file.is_relative_to(folder) for folder in self._folders)


def _inline(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("...").rstrip("\n")


def _leaves(node: Mapping[str, Any], place: Place = ()) -> Iterator[tuple[Place, Any]]:
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*place, str(key)))
        else:
            yield (*place, str(key)), value
