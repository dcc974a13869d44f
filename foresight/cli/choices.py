"""What the configuration tree offers, read without importing Hydra."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

TREE = "experiments.configs"


def root(command: str) -> str:
    """Text of a command's own file: its defaults with their comments."""
    return (files(TREE) / f"{command.replace('-', '_')}.yaml").read_text(encoding="utf-8")


def groups() -> list[str]:
    """Names of the configuration groups."""
    return sorted(entry.name for entry in files(TREE).iterdir() if entry.is_dir() and not entry.name.startswith("_"))


def choices(group: str) -> list[str]:
    """What can be chosen in a group, such as `tiny/vae` in `experiment`; empty for an unknown group."""
    folder = files(TREE) / group
    return _names(folder) if folder.is_dir() else []


def _names(folder: Traversable) -> list[str]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.is_dir():
            found += [f"{entry.name}/{name}" for name in _names(entry)]
        elif entry.name.endswith(".yaml"):
            found.append(entry.name.removesuffix(".yaml"))
    return found
