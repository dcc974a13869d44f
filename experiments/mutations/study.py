"""Change one operator, or take out one guard, and see whether a test fails; the README beside this file says more.

    python -m experiments.mutations.study runs/mutations/1 --seed 1 --count 100

The first argument is the folder of the session. Started again, it goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from compileall import compile_dir
from pathlib import Path
from py_compile import PycInvalidationMode

# Before anything that starts threads: tests share the machine with whatever else runs on it.
os.environ["OMP_NUM_THREADS"] = "1"

from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkResult

from experiments.mutations.baseline import baseline
from experiments.mutations.child import TIMEOUT, run_pytest
from experiments.mutations.nearest import nearest
from experiments.mutations.sample import KINDS, PACKAGES, sample
from experiments.mutations.summary import failing, summary

ROOT = Path(__file__).resolve().parents[2]

SLOW = 1.0
"""Tests that take longer, in seconds, come after the others: the first that fails ends a trial."""

AT_ONCE = 6
"""Files of tests that are asked together; the next ones only if all of these pass."""


def main() -> None:
    """Prepare or take up a session, try its mutants, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of the session")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (default 1)")
    parser.add_argument("--count", type=int, default=100, help="mutants (default 100)")
    parser.add_argument("--kind", choices=KINDS, default="operators", help="of mutants (default operators)")
    parser.add_argument("--only", nargs="+", default=PACKAGES, metavar="PATH", help="files and folders to draw from")
    parser.add_argument("--files", type=int, default=18, help="nearest files of tests asked about each (default 18)")
    options = parser.parse_args()
    # Stopped politely, it takes the tests that run at that time with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = options.folder.resolve()
    tree = copy(folder)
    with use_db(folder / "session.sqlite", WorkDB.Mode.create) as session:
        if not session.num_work_items:
            session.add_work_items(sample(tree, options.count, options.seed, options.kind, options.only))
        for item in sorted(session.pending_work_items, key=lambda item: item.job_id):
            (mutation,) = item.mutations
            result = trial(tree, folder, mutation, options.files)
            session.set_result(item.job_id, result)
            print(item.job_id, mutation.module_path, mutation.start_pos[0], result.test_outcome.value, flush=True)
        text = summary(session, tree)
    (folder / "summary.md").write_text(text, encoding="utf-8")
    print(text)


def copy(folder: Path) -> Path:
    """A clone of what is committed, as it was when the session began, with no mutation in it."""
    tree = folder / "tree"
    if not tree.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / "tree.part"
        subprocess.run(["rm", "-rf", part], check=True)
        subprocess.run(["git", "clone", "--quiet", ROOT, part], check=True)
        # Compiled once, and compared by content from then on: only the mutated file is compiled again.
        for package in PACKAGES:
            compile_dir(part / package, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH, stripdir=part)
        part.rename(tree)
    subprocess.run(["git", "-C", tree, "checkout", "--quiet", "--force", "HEAD", "--", "."], check=True)
    return tree


def trial(tree: Path, folder: Path, mutation: MutationSpec, files: int) -> WorkResult:
    """Run the tests that run the mutated line, those of the nearest files first, until one fails."""
    near, asked, difference = nearest(tree, mutation.module_path.as_posix())[:files], 0, None
    for first in range(0, len(near), AT_ONCE):
        tests = _running(tree, folder, mutation, near[first : first + AT_ONCE])
        if not tests:
            continue
        asked += len(tests)
        log = folder / "log.txt"
        with use_mutation(tree / mutation.module_path, get_operator(mutation.operator_name)(), mutation.occurrence):
            difference = subprocess.run(
                ["git", "-C", tree, "diff", "-U1"], capture_output=True, text=True, check=True
            ).stdout
            budget = 60 + 3 * sum(tests.values())
            status = run_pytest(tree, ["-x", "-q", "--tb=line", *tests], seconds=budget, log=log)
        if status != 0:
            said = "too long" if status == TIMEOUT else failing(log.read_text("utf-8", "replace"), status)
            return WorkResult(WorkerOutcome.NORMAL, said, TestOutcome.KILLED, difference)
    said = f"{asked} tests pass" if asked else "no test runs this line"
    return WorkResult(WorkerOutcome.NORMAL, said, TestOutcome.SURVIVED, difference)


def _running(tree: Path, folder: Path, mutation: MutationSpec, test_files: list[str]) -> dict[str, float]:
    """The tests of some files that run the mutated line, with what each takes; the slow ones last."""
    seconds: dict[str, float] = {}
    for test_file in test_files:
        known = baseline(tree, test_file, folder / "baseline")
        chosen = known.running(mutation.module_path.as_posix(), mutation.start_pos[0], mutation.end_pos[0])
        seconds |= {test: known.seconds[test] for test in chosen}
    return dict(sorted(seconds.items(), key=lambda item: item[1] > SLOW))


if __name__ == "__main__":
    sys.exit(main())
