"""Measurements by name: every module of a package is looked through, so that a new one is one file and nothing else."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, TypeVar


class Named(Protocol):
    """An object with a name."""

    name: str


Kind = TypeVar("Kind", bound=Named)


def discover(package: str, path: list[str], kind: type[Kind]) -> dict[str, Kind]:
    """One instance of each final class of a kind that the package's modules define, by name.

    Args:
        package: full name of the package.
        path: its `__path__`.
        kind: the interface.

    Raises:
        ValueError: if two have the same name.
    """
    found: dict[str, Kind] = {}
    for info in sorted(iter_modules(path), key=lambda module: module.name):
        module = import_module(f"{package}.{info.name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, kind) and value.__module__ == module.__name__:
                if value is not kind and value.name in found:
                    raise ValueError(f"expected different names, got {value.name!r} twice in {package}")
                if value is not kind:
                    found[value.name] = value()
    return found


def named(name: str, known: dict[str, Kind], what: str) -> Kind:
    """The one of that name.

    Raises:
        ValueError: if there is none.
    """
    if name not in known:
        raise ValueError(f"expected {what} out of {', '.join(known)}; got {name!r}")
    return known[name]
