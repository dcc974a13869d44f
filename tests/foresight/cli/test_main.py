from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from foresight.cli.main import COMMANDS, _named, main

HERE = f"video={__file__}"
CLIP = f"video={Path(__file__).parents[3] / 'experiments/clips/demo.mp4'}"


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("foresight: "), lines
    return lines[0]


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"], ["--version"]])
def test_help_succeeds(words: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Help and the version exit with 0 and say something on stdout, nothing on stderr."""
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.out.strip() and not said.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """`foresight <command> --help` shows what it does and its defaults."""
    assert main([command, "--help"]) == 0
    assert COMMANDS[command] in capsys.readouterr().out


def test_an_unknown_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt command exits with 2 and the list of commands."""
    assert main(["predcit"]) == 2
    assert "fit-verifier" in complaint(capsys)


@pytest.mark.parametrize(
    "words",
    [["pre\x1b[31mdict"], ["predict", "video=/no/\x1b]0;title\x07"], ["predict", HERE, "instruction=x", "seed=\x9b1"]],
)
def test_what_steers_a_terminal_is_written_out(words: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A value that came with an error cannot colour, clear or name the window of who reads the error."""
    assert main(words) == 2
    line = complaint(capsys)
    assert line.isprintable() and ("\\x1b" in line or "\\x9b" in line)


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ([], "video"),
        ([HERE], "instruction"),
        ([HERE, "instruction=x", "model=nothing"], "nothing"),
        ([HERE, "instruction=x", "nosuch=1"], "nosuch"),
        (["video=a.mp4", "instruction=x"], "a.mp4"),
        ([HERE, "instruction=x", "seed=-1"], "-1"),
        ([HERE, "instruction=x", "seed=one"], "one"),
        ([HERE, "instruction=x", "candidates=many"], "candidates"),
        ([HERE, "instruction=x", "steps=1.5"], "steps"),
        ([HERE, "instruction=x", "size=[64"], "[64"),
        ([HERE, "instruction=x", "model._target_=os.system"], "os.system"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(
    overrides: Any, named: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong override exits with 2 and one line naming what is wrong, before anything is written."""
    monkeypatch.chdir(tmp_path)
    assert main(["predict", f"paths.runs={tmp_path / 'runs'}", *overrides]) == 2
    assert named in complaint(capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["-m"], "once for each"),
        (["--multirun", "seed=1,2"], "once for each"),
        (["--video=b.mp4"], "video=b.mp4"),
        (["--video", "b.mp4"], "video=…"),
        (["--hlep"], "--help"),
        (["--config-name=x"], "--config-dir"),
        (["--config-dir"], "a value after"),
        (["--config-dir=nowhere"], "nowhere"),
        (["--cfg", "hydra"], "--cfg job"),
        (["--ckpt_path=x"], "run="),
        (["hydra.run.dir=x"], "run=FOLDER"),
        (["red", "ball"], "quotes"),
        ([b"instruction=\xff".decode("utf-8", "surrogateescape")], "UTF-8"),
        (["~instruction"], "instruction"),
        (["model.where=5"], "5"),
        (["model.device=cuda:99"], "cuda:99"),
        (["model.device=gpu"], "gpu"),
        (["noise_level=nan"], "noise_level"),
        (["start=inf"], "start"),
        (["observe=-1", "policy=refine_failed"], "observe"),
        (["run="], "run"),
    ],
)
def test_a_habit_or_a_value_that_is_not_taken_is_one_line(
    words: Any, named: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flags of other programs and values out of their range exit with 2 and one line that says what to use."""
    monkeypatch.chdir(tmp_path)
    assert main(["predict", CLIP, "instruction=the ball", *words]) == 2
    assert named in complaint(capsys)
    assert not [path for path in tmp_path.iterdir() if path.name != "runs"]


def test_the_configuration_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """`--cfg job` prints it and runs nothing, with or without references filled in, whole or one entry."""
    assert main(["predict", HERE, "instruction=a: b", "--cfg", "job", "-p", "run"]) == 0
    assert capsys.readouterr().out.strip().startswith("${paths.runs}/predict")
    assert main(["predict", HERE, "instruction=a: b", "--cfg=job", "--resolve"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["instruction"] == "a: b" and shown["run"] == "runs/predict-#"


def test_a_run_may_be_called_anything() -> None:
    """`foresight replay PATH` takes a path with an equals sign; a name before it is still a name."""
    named = [_named(word, "replay") for word in ("a=b/run", "run=x", "allow=mine")]
    assert named == ["run=a=b/run", "run=x", "allow=mine"]


@pytest.mark.parametrize(("target", "code"), [("/dev/full", 2), (None, 0)])
def test_what_is_said_and_not_read_is_no_defect(target: str | None, code: int) -> None:
    """A full disk behind standard output is one line; a reader that has gone away is nothing at all."""
    if target is None:
        reader, out = os.pipe()
        os.close(reader)
    elif not os.path.exists(target):
        pytest.skip("there is no /dev/full here")
    else:
        out = os.open(target, os.O_WRONLY)
    words = [sys.executable, "-m", "foresight.cli.main", "--help"]
    done = subprocess.run(words, stdout=out, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(out)
    assert done.returncode == code and len(done.stderr.splitlines()) == (code > 0), done.stderr


@pytest.mark.parametrize(
    ("error", "code", "named"),
    [
        (MemoryError(), 2, "enough memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 9 GiB"), 2, "enough memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), 2, "enough memory"),
        (RuntimeError("shapes do not fit"), 1, "internal error: RuntimeError"),
        (OSError("no space\nleft"), 2, "no space left"),
        (BrokenPipeError(), 0, ""),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_ends_a_command_is_told_as_what_it_is(
    error: Any, code: int, named: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too little memory is for the user to mend, a reader that has gone away is no mistake, and a defect says so."""

    def fails(words):
        raise error

    monkeypatch.setattr("foresight.cli.main._main", fails)
    assert main(["predict"]) == code
    said = capsys.readouterr().err
    assert (named in said and len(said.splitlines()) == 1) if named else not said


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="heaps are glibc's")
@pytest.mark.parametrize(("said", "expected"), [(None, True), ("4", False)])
def test_threads_share_heaps(monkeypatch: pytest.MonkeyPatch, said: str | None, expected: bool) -> None:
    """A command asks for two heaps, unless the user has said how many there may be."""
    asked: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda what, value: asked.append((what, value)))
    monkeypatch.setattr("foresight.cli.arenas.ctypes.CDLL", lambda name: library)
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    if said is not None:
        monkeypatch.setenv("MALLOC_ARENA_MAX", said)
    assert main(["report", "--help"]) == 0
    assert asked == ([(-8, 2)] if expected else [])
