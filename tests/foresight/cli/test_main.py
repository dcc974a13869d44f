from __future__ import annotations

import pytest

from foresight.cli.allowed import ForbiddenTargetError, check_targets
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


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.run",
        "torch.load",
        "torch.optim.adamw.AdamW",
        "foresight",
        "foresight.run.os.system",
        "foresight.run.shutil.rmtree",
        "foresight.run.subprocess.run",
        "foresight.cli.main.main",
        "foresight.errors.UserError.__init__",
        "foresight..errors",
        "",
        None,
        ["os.system"],
    ],
)
def test_nothing_else_is_constructed(target):
    """Only our own definitions and foreign classes by full name are allowed, however deep the node lies."""
    with pytest.raises(ForbiddenTargetError):
        check_targets({"a": [{"b": {"_target_": target}}]})


@pytest.mark.parametrize(
    "target",
    ["torch.optim.AdamW", "lightning.Trainer", "foresight.physics.PhysicsConfig", "foresight.verify.Verifier"],
)
def test_what_recipes_need_is_allowed(target):
    """Named foreign classes and our own pass."""
    check_targets({"a": [{"_target_": target}]})


def test_an_escaped_interpolation_is_refused():
    """Text that would be interpolated a second time is refused."""
    with pytest.raises(ForbiddenTargetError, match="interpolation"):
        check_targets({"a": "${oc.env:HOME}"})
