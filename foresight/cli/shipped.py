"""Comparison of a recorded part with what is shipped: the nearest choice of its group, and the values that differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import yaml

from foresight.cli.choices import TREE, choices

_REFERENCE = re.compile(r"\$\{([\w.]+)\}")


def described(group: str, node: Any, config: Mapping[str, Any]) -> str:
    """A part in a line: `refine_failed` as shipped, `resample, but policies[1].times=3 (shipped: 8)`, or its classes.

    Args:
        group: of configurations, such as `policy`.
        node: the recorded part.
        config: the whole record, which the shipped choices refer to.
    """
    if not node:
        return "none"
    recorded = dict(_leaves(node))
    best = None
    for name in choices(group):
        text = (files(TREE) / group / f"{name}.yaml").read_text(encoding="utf-8")
        shipped = {place: _meant(value, config) for place, value in _leaves(yaml.safe_load(text))}
        if _targets(shipped) != _targets(recorded):
            continue
        changes = [
            f"{place}={recorded.get(place)!r}" + (f" (shipped: {shipped.get(place)!r})" if place in shipped else "")
            for place in sorted(recorded.keys() | shipped.keys())
            if recorded.get(place) != shipped.get(place)
        ]
        if best is None or len(changes) < len(best[1]):
            best = (name, changes)
    if best is None:
        return f"none that is shipped: {', '.join(str(target) for target in _targets(recorded).values())}"
    name, changes = best
    return f"{name}, but {', '.join(changes)}" if changes else name


def _targets(leaves: Mapping[str, Any]) -> dict[str, Any]:
    return {place: value for place, value in leaves.items() if place.endswith("_target_")}


def _leaves(node: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from _leaves(value, f"{place}.{key}" if place else str(key))
    elif isinstance(node, list) and node:
        for index, value in enumerate(node):
            yield from _leaves(value, f"{place}[{index}]")
    else:
        yield place, node


def _meant(value: Any, config: Mapping[str, Any]) -> Any:
    """A shipped value with its reference resolved in the record."""
    found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    meant: Any = config
    for key in found[1].split("."):
        meant = meant.get(key) if isinstance(meant, Mapping) else None
    return meant
