"""What is printed for people does not decide about what is computed."""

from __future__ import annotations

import os
import subprocess
import sys

PRINTS_THEN_WRITES = """
import sys
from pathlib import Path
from foresight.cli.console import console, print_table

for _ in range(2):
    print_table("figures", [{"figure": "x", "value": "1"}])
    console.print("and on")
Path(sys.argv[1]).write_text("written")
"""


def test_a_reader_that_goes_away_loses_nothing(tmp_path):
    """As with `| head`: the pipe is closed before the first table, and what comes after it is still written."""
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-c", PRINTS_THEN_WRITES, str(tmp_path / "result")]
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, timeout=120, check=False)
    os.close(writer)
    assert done.returncode == 0 and not done.stderr
    assert (tmp_path / "result").read_text() == "written"
