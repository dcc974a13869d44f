"""Numbered names of runs, and the command that goes with one."""

from __future__ import annotations

from pathlib import Path

from foresight.runs.command import command, given
from foresight.runs.directory import RunDirectory, environment
from foresight.runs.numbers import numbered
from foresight.runs.output import RunOutput


def test_a_name_is_numbered_behind_the_highest(tmp_path: Path) -> None:
    """Gaps are not filled, runs that are being written count, other names do not."""
    where = tmp_path / "runs" / "predict-#"
    assert numbered(where) == str(tmp_path / "runs" / "predict-1")
    for name in ("predict-2", ".predict-9.partial", "predict-12x", "predict-", "other-30"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    assert numbered(where) == str(tmp_path / "runs" / "predict-10")


def test_other_names_stay(tmp_path: Path) -> None:
    """Only a # at the end means anything."""
    for name in ("runs/demo", "runs/#1", "a#b"):
        assert numbered(name) == name


def test_runs_follow_each_other(tmp_path: Path) -> None:
    """A second run of the same asking replaces nothing."""
    for number in (1, 2):
        with RunOutput(tmp_path / "r-#", False, {}).directory() as run:
            (run / "note").write_text(str(number))
    assert [(tmp_path / f"r-{number}" / "note").read_text() for number in (1, 2)] == ["1", "2"]


def test_the_command_is_recorded_as_it_may_be_typed(tmp_path: Path) -> None:
    """Words with blanks are quoted; where Python writes the run there is none."""
    with given(["predict", "instruction=the red ball"]):
        assert command() == "foresight predict 'instruction=the red ball'"
        assert environment()["command"] == command()
    assert command() == "" and "command" not in environment()
    with RunDirectory(tmp_path / "r") as run:
        assert run.write_environment({"model_sha256": "ab"})["model_sha256"] == "ab"
