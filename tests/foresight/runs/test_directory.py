from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from foresight.errors import UserError
from foresight.runs.directory import MARKER, RunDirectory


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    """Every test works in a folder of its own, two levels deep, with a home beside it."""
    here = tmp_path / "work" / "here"
    here.mkdir(parents=True)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(here)
    return here


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else "" for path in sorted(folder.rglob("*"))
    }


def write(where: str | Path, text: str, *, replace: bool = False) -> None:
    with RunDirectory(where, replace=replace) as run:
        (run / "note.txt").write_text(text)


def refused(where: str | Path) -> UserError:
    with pytest.raises(UserError) as caught, RunDirectory(where, replace=True):
        raise AssertionError("the block must not run")
    assert caught.value.expected and caught.value.got and caught.value.remedy
    return caught.value


@pytest.mark.parametrize("where", ["", " ", "\t", ".", "./", "..", "../..", "sub/..", "/", "//"])
def test_a_folder_that_work_is_done_in_is_never_a_run(where: str, tmp_path: Path) -> None:
    """No empty name, current folder, folder above it or root is taken, and nothing in them is touched."""
    (tmp_path / "work" / "here" / "precious.txt").write_text("precious")
    before = tree(tmp_path)
    refused(where)
    assert tree(tmp_path) == before


def test_the_home_folder_is_never_a_run(tmp_path: Path) -> None:
    """The home folder is refused, even through a link and even if it holds the marker."""
    (tmp_path / "home" / MARKER).write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "home")
    before = tree(tmp_path)
    refused(tmp_path / "home")
    refused(tmp_path / "link")
    assert tree(tmp_path) == before


def test_the_current_folder_is_refused_even_as_a_finished_run(inside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standing inside a finished run, neither it nor a folder above it is replaced."""
    write("demo", "first")
    monkeypatch.chdir(inside / "demo")
    before = tree(inside)
    refused(".")
    refused(inside / "demo")
    refused(inside)
    assert tree(inside) == before


@pytest.mark.parametrize("content", [{}, {"a.txt": "a"}, {"config.yaml": "", "metrics.json": "{}"}])
def test_a_foreign_folder_is_never_replaced(content: Any, inside: Any) -> None:
    """A folder that this class did not write stays as it is, empty or looking like a run, whatever replace says."""
    folder = inside / "folder"
    folder.mkdir()
    for name, text in content.items():
        (folder / name).write_text(text)
    refused("folder")
    assert tree(inside) == {"folder": ""} | {f"folder/{name}": text for name, text in content.items()}


def test_a_file_or_a_link_is_never_replaced(inside: Any) -> None:
    """A file of that name, a link to a finished run and a dangling link are refused and stay."""
    write("demo", "first")
    (inside / "file").write_text("file")
    (inside / "link").symlink_to("demo")
    (inside / "dangling").symlink_to("nowhere")
    for name in ("file", "link", "dangling"):
        refused(name)
    assert (inside / "file").read_text() == "file" and (inside / "link").is_symlink()
    assert (inside / "demo" / "note.txt").read_text() == "first"


@pytest.mark.parametrize("suffix", ["partial", "old"])
def test_foreign_folders_with_temporary_names_are_never_cleared(suffix: str, inside: Any) -> None:
    """Somebody's folder called like a temporary one of ours is refused, not emptied."""
    folder = inside / f".demo.{suffix}"
    folder.mkdir()
    (folder / "precious.txt").write_text("precious")
    refused("demo")
    assert (folder / "precious.txt").read_text() == "precious"
    assert not (inside / "demo").exists()


def test_a_run_is_whole_under_its_name(inside: Any) -> None:
    """Nothing lies under the final name while the block runs; afterwards everything does, and nothing else."""
    with RunDirectory("runs/demo") as run:
        run.write_config({"a": 1})
        run.write_metrics({"psnr": 31.5})
        assert not (inside / "runs/demo").exists()
    assert sorted(os.listdir("runs")) == ["demo"]
    assert sorted(os.listdir("runs/demo")) == sorted([MARKER, "config.yaml", "metrics.json"])
    assert json.loads(Path("runs/demo/metrics.json").read_text()) == {"psnr": 31.5}


def test_only_a_finished_run_is_replaced_and_only_when_asked(inside: Any) -> None:
    """A finished run is refused without replace, and with it wholly replaced."""
    write("demo", "first")
    with pytest.raises(UserError, match="still free"):
        write("demo", "second")
    assert Path("demo/note.txt").read_text() == "first"
    (inside / "demo" / "stale.txt").write_text("")
    write("demo", "third", replace=True)
    assert tree(inside).keys() == {"demo", "demo/note.txt", f"demo/{MARKER}"}
    assert Path("demo/note.txt").read_text() == "third"


def test_a_failing_block_leaves_the_old_run(inside: Any) -> None:
    """After an exception the former run is as it was and no temporary folder is left."""
    write("demo", "first")
    before = tree(inside)
    with pytest.raises(RuntimeError), RunDirectory("demo", replace=True) as run:
        (run / "half.txt").write_text("")
        raise RuntimeError
    assert tree(inside) == before


def test_what_a_killed_run_left_is_cleared_away(inside: Any) -> None:
    """A partial folder with our marker is emptied; a replacement killed between its renames is undone first."""
    write("demo", "first")
    os.rename("demo", ".demo.old")
    partial = inside / ".demo.partial"
    partial.mkdir()
    (partial / MARKER).write_text("")
    (partial / "half.txt").write_text("")
    with pytest.raises(RuntimeError), RunDirectory("demo", replace=True):
        raise RuntimeError
    assert Path("demo/note.txt").read_text() == "first"
    assert sorted(os.listdir(inside)) == ["demo"]


def test_two_processes_never_write_one_run() -> None:
    """A second writer of the same name is told that the first is at it."""
    with RunDirectory("demo"), pytest.raises(UserError, match="in use"), RunDirectory("demo"):
        pass


def test_metrics_that_are_no_numbers_are_refused() -> None:
    """NaN never reaches metrics.json."""
    with pytest.raises(ValueError), RunDirectory("demo") as run:
        run.write_metrics({"psnr": float("nan")})
    assert not Path("demo").exists()
