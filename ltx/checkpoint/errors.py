"""The one error of reading and writing weights."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN = 8


class CheckpointError(ValueError):
    """A checkpoint could not be found, read, recognised, matched to the model asked for, or written."""


def listed(names: Iterable[str]) -> str:
    """The first few names, sorted, and how many there are in all."""
    ordered = sorted(names)
    shown = ", ".join(ordered[:SHOWN])
    return shown if len(ordered) <= SHOWN else f"{shown}, … ({len(ordered)} in all)"
