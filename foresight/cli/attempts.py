"""A recorded loop as a table: one row per attempt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def attempt_rows(loop: Mapping[str, Any]) -> list[dict[str, str]]:
    """For people, from what `Trace.record` returned."""
    return [_row(number, attempt) for number, attempt in enumerate(loop["attempts"], start=1)]


def _row(number: int, attempt: Mapping[str, Any]) -> dict[str, str]:
    verdict, cost, refined = attempt["verdict"], attempt["cost"], attempt["tokens_refined"]
    return {
        "attempt": f"{number}: {attempt['move']['kind']}",
        "instruction": attempt["instruction"],
        "seed": str(attempt["seed"]),
        "noise level": f"{attempt['noise_level']:.3g}",
        "tokens refined": "–" if refined is None else str(refined),
        # A continuation of what was seen is judged by its plausibility: there is nothing left to be as told.
        "as told": _probability(verdict if verdict and verdict["frames"] else None, "probability"),
        "hit": _probability(verdict, "hit"),
        "decision": "–" if verdict is None else verdict["decision"],
        "seconds": f"{cost['seconds']:.2f}",
        "evaluations": str(cost["evaluations"]),
        "decodes": str(cost["decodes"]),
    }


def _probability(verdict: Mapping[str, Any] | None, name: str) -> str:
    value = None if verdict is None else verdict.get(name)
    return "–" if value is None else f"{value:.3f}"
