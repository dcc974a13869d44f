"""Attempts of a loop as a table: one row per attempt."""

from __future__ import annotations

from collections.abc import Sequence

from foresight.report.prediction import AttemptReport


def attempt_rows(attempts: Sequence[AttemptReport]) -> list[dict[str, str]]:
    """Rows of text by column."""
    return [_row(number, attempt) for number, attempt in enumerate(attempts, start=1)]


def _row(number: int, attempt: AttemptReport) -> dict[str, str]:
    return {
        "attempt": f"{number}: {attempt.kind}",
        "instruction": attempt.instruction,
        "seed": str(attempt.seed),
        "noise level": f"{attempt.noise_level:.3g}",
        "tokens refined": "–" if attempt.tokens_refined is None else str(attempt.tokens_refined),
        # A continuation of what was seen is judged by its plausibility: nothing is left to follow the instruction.
        "as told": _probability(attempt.probability if attempt.frames else None),
        "hit": _probability(attempt.prediction_correct),
        "decision": "–" if attempt.decision is None else attempt.decision,
        "seconds": f"{attempt.seconds:.2f}",
        "evaluations": str(attempt.evaluations),
        "decodes": str(attempt.decodes),
    }


def _probability(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
