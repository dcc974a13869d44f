"""What is printed for people does not decide about what is computed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from foresight.cli import console

PRINTS_THEN_WRITES = """
import sys
from pathlib import Path
from foresight.cli.console import console, print_table

for _ in range(2):
    print_table("figures", [{"figure": "x", "value": "1"}])
    console.print("and on")
Path(sys.argv[1]).write_text("written")
"""


def test_a_reader_that_goes_away_loses_nothing(tmp_path: Path) -> None:
    """As with `| head`: the pipe is closed before the first table, and what comes after it is still written."""
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-c", PRINTS_THEN_WRITES, str(tmp_path / "result")]
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, timeout=120, check=False)
    os.close(writer)
    assert done.returncode == 0 and not done.stderr
    assert (tmp_path / "result").read_text() == "written"


def test_commands_and_paths_stay_whole(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence longer than the terminal is wide is one line, which can be copied; tables are drawn to the width,
    and lose no letter."""
    monkeypatch.setattr(console.console, "_width", 40)
    command = "next: foresight predict model=runs/finetune/transformer/world video=clip.mp4"
    console.console.print(command)
    console.print_table("figures", [{"what": command, "value": "1"}])
    told = capsys.readouterr().out.splitlines()
    assert told[0] == command and max(map(len, told[1:])) <= 40
    assert "…" not in "".join(told)


def test_lines_of_progress_come_every_half_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two parts in 30 s leave 75 s for five more, two more in 30 s leave 45 for three; nothing before anything new."""
    now = 100.0
    monkeypatch.setattr(console.time, "monotonic", lambda: now)
    with console.progress_bar("parts") as say:
        for now, done, line in (
            (101.0, 3, ""),
            (129.9, 5, ""),
            (130.0, 5, "parts: 5 of 10 · 0:01:15 left\n"),
            (159.9, 6, ""),
            (160.0, 7, "parts: 7 of 10 · 0:00:45 left\n"),
            (200.0, 3, ""),
        ):
            say(done, 10)
            assert capsys.readouterr().err == line
