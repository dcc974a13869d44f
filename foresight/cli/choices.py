"""Choices of the configuration tree, read without importing Hydra."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

TREE = "foresight.configs"
PLACES = {"model": "folder", "ltx": "own", "vlm": "own"}
"""The choice of a group that takes any path or hub id, as its `where`."""


def root(command: str, folders: Sequence[Path] = ()) -> str:
    """Text of a command's own file: its defaults with their comments; a study's lies in a folder of its own."""
    name = f"{command.replace('-', '_')}.yaml"
    trees: list[Traversable] = [files(TREE), *folders]
    return next((tree / name for tree in trees if (tree / name).is_file()), files(TREE) / name).read_text("utf-8")


def groups(folders: Sequence[Path] = ()) -> list[str]:
    """Names of the configuration groups, with those in folders of the user's own."""
    trees: list[Traversable] = [files(TREE), *folders]
    return sorted(
        {entry.name for tree in trees for entry in tree.iterdir() if entry.is_dir() and entry.name[0] not in "_."}
    )


def choices(group: str, folders: Sequence[Path] = ()) -> list[str]:
    """Choices of a group, such as `tiny/vae` of `experiment`; empty for an unknown group."""
    trees: list[Traversable] = [files(TREE), *folders]
    return sorted({name for tree in trees if (tree / group).is_dir() for name in _names(tree / group)})


def _names(folder: Traversable) -> list[str]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.is_dir():
            found += [f"{entry.name}/{name}" for name in _names(entry)]
        elif entry.name.endswith(".yaml"):
            found.append(entry.name.removesuffix(".yaml"))
    return found
