"""The table of a run's metrics loses no row, however often the run is stopped, gone on with, or started again."""

from __future__ import annotations

import csv
from pathlib import Path

from foresight.training.metrics_log import MetricsLog


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def log(folder: Path, *steps: int, names: tuple[str, ...] = ("train/loss",)) -> None:
    """What one process of a run writes."""
    table = MetricsLog(folder=str(folder))
    for step in steps:
        table.log_metrics({**{name: step / 3 for name in names}, "epoch": 0}, step)


def test_a_resumed_run_keeps_its_earlier_rows(tmp_path: Path) -> None:
    """Rows before the resumption stay, steps that are done once more are there once, new ones follow."""
    log(tmp_path, 0, 10, 20, 30)
    log(tmp_path, 20, 30, 40)
    found = rows(tmp_path)
    assert sorted(int(row["step"]) for row in found) == [0, 10, 20, 30, 40]
    assert all(float(row["train/loss"]) == int(row["step"]) / 3 and row["epoch"] == "0" for row in found)


def test_rows_of_different_metrics_stand_side_by_side(tmp_path: Path) -> None:
    """Training and validation at one step are two rows; a metric that comes later gets a column, and nothing moves."""
    log(tmp_path, 0, 10)
    log(tmp_path, 10, names=("validation/loss", "a/first"))
    log(tmp_path, 20)
    assert [row["step"] for row in rows(tmp_path)] == ["0", "10", "10", "20"]
    assert [row["validation/loss"] for row in rows(tmp_path)] == ["", "", str(10 / 3), ""]
    assert [row["train/loss"] for row in rows(tmp_path)] == ["0.0", str(10 / 3), "", str(20 / 3)]


def test_starting_a_finished_run_again_changes_nothing(tmp_path: Path) -> None:
    """A process that logs nothing leaves the file byte for byte."""
    log(tmp_path, 0, 10)
    before = (tmp_path / "metrics.csv").read_bytes()
    MetricsLog(folder=str(tmp_path)).finalize("success")
    assert (tmp_path / "metrics.csv").read_bytes() == before


def test_every_row_is_in_the_file_at_once_and_a_half_written_one_is_dropped(tmp_path: Path) -> None:
    """A kill between two rows loses none; one in the middle of a row loses that row, and spoils no other."""
    table = MetricsLog(folder=str(tmp_path))
    for step in (0, 1, 2):
        table.log_metrics({"train/loss": 0.5, "epoch": 0}, step)
        assert len(rows(tmp_path)) == step + 1
    path = tmp_path / "metrics.csv"
    path.write_text(path.read_text()[:-3])
    log(tmp_path, 3)
    assert [row["step"] for row in rows(tmp_path)] == ["0", "1", "3"]


def test_a_table_with_unused_columns_is_gone_on_with(tmp_path: Path) -> None:
    """Columns that another tool left empty do not shift what is added."""
    (tmp_path / "metrics.csv").write_text("another,epoch,step,train/loss\n,0,0,0.25\n")
    log(tmp_path, 10, 20)
    assert [(row["step"], row["train/loss"]) for row in rows(tmp_path)] == [
        ("0", "0.25"),
        ("10", str(10 / 3)),
        ("20", str(20 / 3)),
    ]
