"""Table of the mutants' results."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import TestOutcome


def summary(session: WorkDB, tree: Path) -> str:
    """Killed of tried for each package, and every survivor with its line before and after."""
    outcomes = dict(session.results)
    tried: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    survivors = []
    for item in session.work_items:
        (mutation,) = item.mutations
        result = outcomes.get(item.job_id)
        if result is None:
            continue
        package = "/".join(mutation.module_path.with_suffix("").parts[:2])
        tried[package] += 1
        if result.test_outcome == TestOutcome.KILLED:
            killed[package] += 1
        else:
            (first, _), (last, _) = mutation.start_pos, mutation.end_pos
            lines = (tree / mutation.module_path).read_text(encoding="utf-8").splitlines()[first - 1 : last]
            survivors.append(
                f"- `{mutation.module_path}`:{mutation.start_pos[0]}:{mutation.start_pos[1] + 1} "
                f"{mutation.operator_name.split('/')[1]}: `{' '.join(map(str.strip, lines))}` ({result.output})"
            )
    rows = [f"| {package} | {killed[package]} | {tried[package]} |" for package in sorted(tried)]
    total, of = sum(killed.values()), sum(tried.values())
    share = f"{100 * total / of:.0f} %" if of else "none"
    return "\n".join(
        [
            "| package | killed | tried |",
            "| --- | --- | --- |",
            *rows,
            f"| all ({share}) | {total} | {of} |",
            "",
            "Survivors:",
            "",
            *survivors,
            "",
        ]
    )


def failing(log: str, status: int) -> str:
    """The first test that failed, as pytest's summary names it."""
    found = re.search(r"^(FAILED|ERROR) (\S+)", log, re.MULTILINE)
    return found[2] if found else f"status {status}"
