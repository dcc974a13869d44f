"""Check of a configuration's plain values against a command's arguments, before anything is constructed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from foresight.declared_types import fits, hints, options, said
from foresight.errors import UserError
from ltx.home import with_home

LEAST = {"clips": 1, "count": 1, "candidates": 1, "options": 2, "batch": 1, "shard": 1, "frames": 1}
"""What some arguments of ours, which count things, are at least; no other is below 0."""
MOST = {"batch": 2**16, "shard": 2**24, "workers": 2**10}
"""What some are at most: more would fill any memory, or start processes without end."""


def check_values(function: Callable[..., Any], values: Mapping[str, Any], place: str = "") -> None:
    """Refuse numbers, texts, switches and lists of them that a function does not take.

    Arguments that are constructed, such as models, are not looked at.

    Args:
        function: a function or class with annotated arguments; those that cannot be read are not checked.
        values: by name.
        place: where they stand in a configuration, for messages.

    Raises:
        UserError: naming the argument, what it takes, and what came.
    """
    declared = hints(function)
    ours = str(function.__module__).split(".")[0] in ("ltx", "adapters", "foresight")
    for name, value in values.items():
        full = f"{place}.{name}" if place else name
        if isinstance(value, str) and any(_is_device(option) for option in options(declared.get(name))):
            from foresight.world.placement import choose_device

            choose_device(value)
        if isinstance(value, str) and not value.strip() and is_path(declared.get(name)):
            raise UserError(expected=f"{full}= a path", got=repr(value), remedy=f"give {full}= one")
        if name in declared and not fits(value, declared[name]):
            raise UserError(
                expected=f"{full}= {said(declared[name])}", got=_shown(value), remedy=f"give {full}= such a value"
            )
        least, most = LEAST.get(name, 0), MOST.get(name)
        counts = name in declared and ours and _counts(value, declared[name])
        if counts and (value < least or (most is not None and value > most)):
            upper = "" if most is None else f" to {most}"
            raise UserError(
                expected=f"{full}= a whole number from {least}{upper}",
                got=repr(value),
                remedy=f"give {full}= such a number",
            )


def _counts(value: Any, hint: Any) -> bool:
    """True for a whole number where only whole numbers are taken."""
    return isinstance(value, int) and not isinstance(value, bool) and not fits(0.5, hint)


def with_homes(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with `~` at the beginning of every declared path filled in, which not every shell does."""
    declared = hints(function)
    return {
        name: with_home(value) if isinstance(value, str) and is_path(declared.get(name)) else value
        for name, value in values.items()
    }


def is_path(hint: Any) -> bool:
    """True if a path is declared."""
    return Path in options(hint)


def _is_device(hint: Any) -> bool:
    # Not compared with torch.device: torch is imported by what declares one.
    return getattr(hint, "__module__", "") == "torch" and getattr(hint, "__name__", "") == "device"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
