from __future__ import annotations

import pytest

from foresight.cli.main import COMMANDS, main


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("foresight: "), lines
    return lines[0]


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"], ["--version"]])
def test_help_succeeds(words, capsys):
    """Help and the version exit with 0 and say something on stdout, nothing on stderr."""
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.out.strip() and not said.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    """`foresight <command> --help` shows what it does and its defaults."""
    assert main([command, "--help"]) == 0
    assert COMMANDS[command] in capsys.readouterr().out


def test_an_unknown_command_is_one_line(capsys):
    """A misspelt command exits with 2 and the list of commands."""
    assert main(["predcit"]) == 2
    assert "fit-verifier" in complaint(capsys)


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ([], "video"),
        (["video=a.mp4"], "instruction"),
        (["video=a.mp4", "instruction=x", "model=nothing"], "nothing"),
        (["video=a.mp4", "instruction=x", "nosuch=1"], "nosuch"),
        (["video=a.mp4", "instruction=x", "seed=-1"], "-1"),
        (["video=a.mp4", "instruction=x", "seed=one"], "one"),
        (["video=a.mp4", "instruction=x", "candidates=many"], "candidates"),
        (["video=a.mp4", "instruction=x", "steps=1.5"], "steps"),
        (["video=a.mp4", "instruction=x", "size=[64"], "[64"),
        (["video=a.mp4", "instruction=x", "model._target_=os.system"], "os.system"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(overrides, named, capsys, tmp_path, monkeypatch):
    """A wrong override exits with 2 and one line naming what is wrong, before anything is written."""
    monkeypatch.chdir(tmp_path)
    assert main(["predict", f"paths.runs={tmp_path / 'runs'}", *overrides]) == 2
    assert named in complaint(capsys)
    assert not list(tmp_path.iterdir())
