"""Per-clip values survive the disk, and runs are compared pair by pair."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foresight.cli.main import _all_named
from foresight.cli.report import report
from foresight.errors import UserError
from foresight.physics import PhysicsConfig, SimulatedSplit
from foresight.results import ClipValues, Results, compare, load
from foresight.results.values import NAME, clip_values, read_values, write_values
from foresight.runs.directory import RunDirectory

CLIPS = ("test 1", "test 2", "test 3", "test 4")
HARD = np.array([1.0, 10.0, 100.0, 1000.0])
"""Errors that differ more between clips than between runs."""


def column(values: np.ndarray, *, clips: tuple[str, ...] = CLIPS, metric: str = "mse") -> ClipValues:
    return clip_values(clips, "prediction", metric, values, [7] * len(clips))


def write_run(path: Path, *values: ClipValues, **changes: Any) -> Path:
    figure = {"value": 0.5, "low": 0.4, "high": 0.6, "clips": 4}
    with RunDirectory(path) as run:
        write_values(run / NAME, values)
        run.write_config({"benchmark": {"clips": 4}})
        run.write_environment()
        run.write_metrics({"figures": {"skill": figure}, "gates": [], **changes})
    return path


def results(*values: ClipValues) -> Results:
    return Results(Path("run"), values, {}, (), {}, {})


def test_values_come_back_from_the_disk(tmp_path: Path) -> None:
    """Every number, by clip, seed, method, horizon and metric; a missing one stays missing."""
    whole, course = column(HARD), column(np.array([[1.0, 2.0], [3.0, np.nan], [5.0, 6.0], [7.0, 8.0]]), metric="ssim")
    found = load(write_run(tmp_path / "run", whole, course))
    assert found.methods == ("prediction",) and found.metrics == ("mse", "ssim")
    assert found.of("prediction", "mse").horizons == (0,) and found.of("prediction", "ssim").horizons == (1, 2)
    for one in (whole, course):
        back = found.of("prediction", one.metric)
        assert (back.clips, back.seeds) == (one.clips, one.seeds)
        np.testing.assert_array_equal(back.values, one.values)
    assert found.figures["skill"].low == 0.4 and found.config == {"benchmark": {"clips": 4}}
    assert repr(found).endswith("/run': 4 clips, 1 methods, 1 figures)")


def test_a_line_holds_one_number(tmp_path: Path) -> None:
    """Numbers are numbers, and the same numbers make the same bytes."""
    for name in ("a", "b"):
        write_values(tmp_path / name, [column(HARD)])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    lines = [json.loads(line) for line in gzip.decompress((tmp_path / "a").read_bytes()).decode().splitlines()]
    assert lines[1] == {
        "clip": "test 2", "seed": 7, "method": "prediction", "horizon": 0, "metric": "mse", "value": 10.0
    }  # fmt: skip
    assert [line["value"] for line in lines] == HARD.tolist()


def test_differences_are_paired_by_clip() -> None:
    """An error that is 1 less on every clip is surely less, though the clips differ by hundreds; order is no matter."""
    shuffled = column(HARD[::-1] - 1, clips=CLIPS[::-1])
    (found,) = compare(results(column(HARD)), results(shuffled))
    assert (found.difference.value, found.difference.low, found.difference.high) == (-1, -1, -1) and found.sure
    assert found.first.value == HARD.mean() and found.second.value == HARD.mean() - 1 and found.difference.clips == 4


def test_a_difference_of_chance_is_not_sure() -> None:
    """Two clips better and two worse by the same."""
    (found,) = compare(results(column(HARD)), results(column(HARD + np.array([1.0, -1.0, 1.0, -1.0]))))
    assert found.difference.value == 0 and not found.sure


def test_only_clips_of_both_runs_are_compared() -> None:
    """Others are left out, and clips without a value in one of them."""
    other = column(np.array([2.0, 11.0, np.nan]), clips=("test 1", "test 2", "test 3"))
    (found,) = compare(results(column(HARD)), results(other))
    assert found.difference.clips == 2 and found.difference.value == 1


def test_each_frame_is_compared_when_asked() -> None:
    """The mean over frames first, then frame by frame."""
    one = column(np.array([[1.0, 2.0], [1.0, 2.0]]), clips=CLIPS[:2])
    two = column(np.array([[2.0, 2.0], [2.0, 2.0]]), clips=CLIPS[:2])
    found = compare(results(one), results(two), by_frame=True)
    assert [(each.horizon, each.difference.value) for each in found] == [(0, 0.5), (1, 1.0), (2, 0.0)]


def test_runs_with_nothing_in_common_are_refused() -> None:
    """Other clips, or another metric."""
    for other in (column(HARD, metric="ssim"), column(HARD[:2], clips=("a", "test 1"))):
        with pytest.raises(UserError, match="measure the same on the same clips"):
            compare(results(column(HARD)), results(other))


def test_runs_in_other_worlds_are_not_paired_by_seed() -> None:
    """The same seeds, and not one clip in common."""
    home, fast = (
        column(HARD, clips=tuple(SimulatedSplit(physics, "test", 4).names))
        for physics in (PhysicsConfig(), PhysicsConfig(speed=(40.0, 60.0)))
    )
    assert compare(results(home), results(home))
    with pytest.raises(UserError, match="fewer than 2 clips"):
        compare(results(home), results(fast))


def test_what_is_not_there_is_told() -> None:
    """Names of what there is are in the message."""
    with pytest.raises(ValueError, match=r"out of prediction and a metric out of mse.*'speed'"):
        results(column(HARD)).of("prediction", "speed")
    with pytest.raises(ValueError, match=r"out of \[0\], got 3"):
        column(HARD).at(3)
    with pytest.raises(ValueError, match="expected values of 4 clips and 1 horizons"):
        ClipValues("m", "x", CLIPS, (0,) * 4, (0,), np.zeros((3, 1)))


def test_damaged_runs_are_refused_in_a_line(tmp_path: Path) -> None:
    """No values, other values, values cut short, and no run at all."""
    run = write_run(tmp_path / "run", column(HARD))
    (run / NAME).write_bytes((run / NAME).read_bytes()[:40])
    with pytest.raises(UserError, match="damaged"):
        load(run)
    (run / NAME).write_bytes(gzip.compress(b'{"clip": "a"}\n'))
    with pytest.raises(UserError, match="line 1 of the values"):
        load(run)
    (run / NAME).unlink()
    with pytest.raises(UserError, match=f"no {NAME}"):
        load(run)
    with pytest.raises(UserError):
        load(tmp_path / "nothing")


def test_the_folder_of_a_suite_names_its_parts(tmp_path: Path) -> None:
    """One benchmark in a folder is meant; of several one has to be named."""
    write_run(tmp_path / "all" / "one", column(HARD))
    assert load(tmp_path / "all").path.name == "one"
    write_run(tmp_path / "all" / "two", column(HARD))
    with pytest.raises(UserError, match="which holds one, two"):
        load(tmp_path / "all")


def test_report_compares_runs(tmp_path: Path) -> None:
    """Each run with the first: numbers in metrics.json, and a page that names both."""
    runs = [write_run(tmp_path / name, column(HARD + shift)) for name, shift in (("a", 0), ("b", 1), ("c", -2))]
    page = report(
        run=None, runs=runs, methods=None, output=str(tmp_path / "comparison-#"), replace=False, config={"runs": []}
    )
    assert page == tmp_path / "comparison-1" / "report.html" and "sure" in page.read_text()
    written = json.loads((page.parent / "metrics.json").read_text())["comparisons"]
    assert [rows[0]["difference"]["value"] for rows in written.values()] == [1, -2]


def test_report_wants_one_run_or_several(tmp_path: Path) -> None:
    """Neither nothing nor both."""
    how: dict[str, Any] = {"methods": None, "output": str(tmp_path / "x"), "replace": False, "config": {}}
    for run, runs in ((None, []), ("a", ["b", "c"])):
        with pytest.raises(UserError, match="one run, or several"):
            report(run=run, runs=runs, **how)
    with pytest.raises(UserError, match="at least two runs"):
        report(run=None, runs=[write_run(tmp_path / "a", column(HARD))], **how)


def test_several_words_without_a_name_are_a_list() -> None:
    """One is a run whose page is drawn; a comma in a folder's name parts nothing."""
    assert _all_named(["a"], "report") == ["run=a"]
    assert _all_named(["a,b", "replace=true", "c"], "report") == ["replace=true", 'runs=["a,b","c"]']
    assert _all_named(["a"], "replay") == ["run=a"]


def test_lines_need_every_field() -> None:
    """The line is told."""
    with pytest.raises(ValueError, match="in line 2"):
        read_values('{"clip": "a", "seed": 0, "method": "m", "horizon": 0, "metric": "x", "value": 1}\n{"clip": "a"}\n')
