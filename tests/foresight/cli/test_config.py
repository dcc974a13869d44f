"""`foresight config`: a run's configuration, each value with the file or word that sets it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from foresight.cli.compose import resolve
from foresight.cli.main import main
from foresight.cli.sources import DERIVED, Sources


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["config", *words]) == 0
    return capsys.readouterr().out


def origins(text: str, indent: int = 0) -> dict[str, str]:
    """Origin of each value at one depth, by its name."""
    lines = [line for line in text.splitlines() if line.startswith(" " * indent) and line[indent] not in " -"]
    return {line.split(":")[0].strip(): line.rsplit("  # ", 1)[-1] for line in lines if "  # " in line}


@pytest.mark.parametrize(
    "words",
    [
        ["predict", "video=a.mp4", "instruction=it is pushed: ${seed} # here", "policy=refine_failed", "verifier=none"],
        ["train", "experiment=adapters/composed", "trainer.max_steps=7"],
        ["evaluate", "benchmark=surprise"],
        ["fit-verifier", "candidates=4"],
    ],
)
def test_what_is_printed_is_the_configuration(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """Read as YAML, it is exactly what the command would run with."""
    printed = yaml.safe_load(shown(capsys, *words))
    resolved = resolve(words[0], words[1:])
    assert printed == resolved and list(printed) == list(resolved)


def test_a_value_is_from_the_last_that_set_it(capsys: pytest.CaptureFixture[str]) -> None:
    """A word over a choice on the command line, over the recipe, over what the recipe chooses, over the defaults."""
    text = shown(capsys, "train", "experiment=tiny/vae", "trainer=smoke", "trainer.devices=1", "--package", "trainer")
    found = origins(text, 2)
    assert found["devices"] == "command line"
    assert found["limit_val_batches"] == "trainer/smoke.yaml"
    assert found["max_steps"] == "trainer/smoke.yaml", "chosen on the command line, over the recipe's own number"
    recipe = origins(shown(capsys, "train", "experiment=tiny/vae", "--package", "trainer"), 2)
    assert recipe["max_steps"].startswith("experiment/tiny/vae.yaml")
    assert recipe["devices"] == "trainer/default.yaml"


def test_what_replaces_a_value_replaces_its_origin() -> None:
    """A list or text in the place of entries is from whoever set it, and so are entries in its place."""
    sources = Sources()
    sources.note((), {"a": {"b": 1, "c": {"d": 2}}}, "first")
    sources.note(("a", "c"), None, "second")
    assert (sources.of(("a", "b")), sources.of(("a", "c"))) == ("first", "second")
    assert sources.of(("a", "c", "d")) == "second", "nothing is left of what was there"
    sources.note(("a",), {"c": {"e": 3}}, "third")
    assert sources.of(("a", "c", "e")) == "third" and sources.of(("a", "c", "f")) == DERIVED


def test_what_is_open_and_what_refers_to_another_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """A required value need not be given yet; a reference is resolved, and named."""
    text = shown(capsys, "predict", "paths.runs=there", "candidates=16")
    found = origins(text)
    assert found["video"] == "predict.yaml" and "video: ???" in text
    assert "run: there/predict-#" in text and found["run"] == "predict.yaml: ${paths.runs}/predict-#"
    assert found["candidates"] == "command line", "typed, though it is the default"


def test_a_users_own_file_is_named_whole(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Values of a folder of configurations of one's own come from its path."""
    (tmp_path / "budget").mkdir()
    (tmp_path / "budget" / "mine.yaml").write_text("_target_: foresight.loop.Budget\nattempts: 2\n")
    words = ["predict", "budget=mine", "--config-dir", str(tmp_path), "--package", "budget"]
    found = origins(shown(capsys, *words), 2)
    assert found["attempts"] == f"{tmp_path}/budget/mine.yaml"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the name of a command"),
        (["predikt"], "did you mean predict"),
        (["config"], "the name of a command"),
        (["predict", "candidate=4"], "candidates"),
        (["predict", "--package", "nothing.there"], "--package the name of an entry"),
    ],
)
def test_a_mistake_is_one_line(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    """Expected, got, remedy; nothing is printed for it."""
    assert main(["config", *words]) == 2
    found = capsys.readouterr()
    assert said in found.err and len(found.err.splitlines()) == 1 and not found.out
