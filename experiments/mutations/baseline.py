"""The tests without a mutation: results, times, and the lines that they run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage

from experiments.mutations.child import run_pytest
from experiments.mutations.sample import PACKAGES

HOUR = 3600.0

ALL = ""
"""Key of lines that imports and shared fixtures run, for every test of a file."""


@dataclass(frozen=True)
class Baseline:
    """Of one file of tests.

    Args:
        seconds: processor time of each test that passes, with what it starts.
        failed: tests that fail without any mutation; they say nothing about one.
        lines: test → file of the source → lines that it runs.
    """

    seconds: dict[str, float]
    failed: list[str]
    lines: dict[str, dict[str, list[int]]]

    def running(self, module: str, first: int, last: int) -> list[str]:
        """The passing tests that run any of these lines."""

        def runs(test: str) -> bool:
            return any(first <= line <= last for line in self.lines.get(test, {}).get(module, ()))

        return [test for test in self.seconds if runs(test) or runs(ALL)]


def baseline(tree: Path, test_file: str, folder: Path) -> Baseline:
    """Of a file of tests; measured once and kept in `folder`."""
    path = folder / f"{test_file.replace('/', '.')}.json"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        log = folder / "log.txt"
        status = run_pytest(tree, ["-q", test_file], seconds=HOUR, log=log, plugins=lambda: [_Recorder(tree, path)])
        if not path.is_file():
            raise RuntimeError(f"expected pytest to run {test_file}, got status {status}; see {log}")
    return Baseline(**json.loads(path.read_text(encoding="utf-8")))


class _Recorder:
    """A plugin of pytest that writes the baseline of the file it runs."""

    def __init__(self, tree: Path, path: Path) -> None:
        self.tree, self.path = tree, path
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []
        self.coverage = Coverage(
            data_file=None, config_file=False, include=[f"{tree / package}/*" for package in PACKAGES], messages=False
        )
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[Any]:
        self.test = item.nodeid
        self.coverage.switch_context(item.nodeid)
        started = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - started
            self.coverage.switch_context(ALL)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[Any]:
        if fixturedef.scope == "function":
            return (yield)
        self.coverage.switch_context(ALL)
        try:
            return (yield)
        finally:
            self.coverage.switch_context(self.test)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self.failed.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        data = self.coverage.get_data()
        lines: dict[str, dict[str, list[int]]] = {}
        for file in data.measured_files():
            module = Path(file).relative_to(self.tree).as_posix()
            for line, tests in data.contexts_by_lineno(file).items():
                for test in tests:
                    lines.setdefault(test, {}).setdefault(module, []).append(line)
        seconds = {test: value for test, value in self.seconds.items() if test not in self.failed}
        found = Baseline(seconds, sorted(set(self.failed)), lines)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(asdict(found)), encoding="utf-8")
        part.replace(self.path)
