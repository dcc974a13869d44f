"""What is typed, or asked for, and cannot be is refused in one line before anything is read."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from foresight.cli import encode, evaluate, fit_verifier, looped, plan
from foresight.cli.brackets import parse
from foresight.cli.compose import ConfigError, build, command_function, resolve
from foresight.cli.construct import construct
from foresight.cli.reading import convert
from foresight.errors import UserError
from foresight.runs import received
from foresight.runs.output import RunOutput
from foresight.runs.received import ReceivedRun
from foresight.world.sampling import Sampling

NOTHING: Any = None


@pytest.mark.parametrize(
    ("typed", "hint", "message"),
    [
        ("[1, 2, 3]", tuple[int, int], r"name= .* got a list of 3"),
        ("[1]", int, r"name= .* got a list of 1"),
        ("{a: 1}", int | None, r"name= .* got a mapping"),
        ("{a: 1}", list[int], r"name= .* got a mapping"),
    ],
)
def test_lists_and_mappings_stand_only_where_they_are_taken(typed: str, hint: Any, message: str) -> None:
    """A number is no list of one, and a pair has two."""
    with pytest.raises(UserError, match=message):
        convert(parse(typed), hint, "name", lambda target: {})


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("trainer.max_steps.more=1", "max_steps"),
        ("schedule.steps.more=1", r"of its own at schedule\.steps, got one that follows \$\{trainer\.max_steps\}"),
    ],
)  # fmt: skip
def test_what_has_no_entries_is_not_entered(word: str, message: str) -> None:
    """Neither a number nor what follows another entry has entries of its own."""
    with pytest.raises(UserError, match=message):
        resolve("train", ["experiment=tiny/vae", word])


def test_a_configuration_has_what_its_command_takes() -> None:
    """An entry too many in a user's own configuration is named with those that there are."""

    def takes(*, video: str) -> None: ...

    with pytest.raises(ConfigError, match="entries out of video; got vdieo too"):
        build(takes, {"video": "a", "vdieo": "b"})
    with pytest.raises(ConfigError, match=r"entries out of .*; got config too"):
        build(takes, {"video": "a", "config": "b"})


def test_a_command_that_cannot_be_imported_is_not_taken_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only its own absence means that there is no such command."""

    def lacks(name: str) -> Any:
        raise ModuleNotFoundError("No module named 'numpy'", name="numpy")

    monkeypatch.setattr("foresight.cli.compose.import_module", lacks)
    with pytest.raises(ModuleNotFoundError, match="numpy"):
        command_function("train")


def test_a_defect_of_ours_is_not_told_as_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is raised in our own code by mistake stays what it is; only other people's complaints are translated."""

    def broken(self: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr("foresight.loop.Budget.__post_init__", broken)
    with pytest.raises(KeyError, match="ours"):
        construct({"_target_": "foresight.loop.Budget", "attempts": 1}, "part")


def test_numbers_of_nothing_are_refused() -> None:
    """No frame to verify against, no clip in a batch, and no attempt to show."""
    clip: Any = type("Clip", (), {"observed": [0]})()
    verifier: Any = type("Verifier", (), {"fitted_on": type("On", (), {"candidates": 2})()})()
    nothing: Any = NOTHING
    policy: Any = object()
    correction = looped.Correction(policy, nothing, None, (), 0)
    with pytest.raises(UserError, match=r"observe= at least 1 frame\W+got 0"):
        looped.run_loop(nothing, verifier, clip, "", Sampling(2), correction)
    with pytest.raises(UserError, match=r"a batch of at least 1\W+got 0"):
        plan.plan(vlm={}, ltx={}, adapter=NOTHING, batch=0)
    trace: Any = type("Trace", (), {"attempts": (), "accepted": None})()
    with pytest.raises(UserError, match="a policy that makes an attempt"):
        looped.shown_attempt(trace)


def test_commands_that_have_nothing_to_do_say_so() -> None:
    """Data that is no encoded clips is not encoded, and one instruction alone tells no verifier apart."""
    other: Any = []
    with pytest.raises(UserError, match=r"data whose sources are encoded clips\W+got list"):
        encode._encoded("train", other)
    model: Any = SimpleNamespace(adapter=None)
    with pytest.raises(UserError, match="at least two different instructions"):
        fit_verifier._measurable(model, ["flow_instruction"], ["push"])
    assert fit_verifier._measurable(model, ["flow_instruction", "motion"], ["push"]) == ("motion",)


@pytest.mark.parametrize("name", ["", "  "])
def test_a_run_has_a_name(name: str) -> None:
    """Else its files would lie among those of others."""
    with pytest.raises(UserError, match="the name of a folder"):
        evaluate.evaluate(model=NOTHING, benchmark=NOTHING, page=None, output=RunOutput(name, False, {}))


def test_texts_of_a_received_run_have_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is larger than any run's own is not read into memory."""
    (tmp_path / "metrics.json").write_text("[1, 2]")
    assert ReceivedRun(tmp_path).json("metrics.json") == [1, 2]
    monkeypatch.setattr(received, "LARGEST", 5)
    with pytest.raises(ValueError, match=r"metrics\.json is larger than 5 bytes"):
        ReceivedRun(tmp_path).json("metrics.json")
