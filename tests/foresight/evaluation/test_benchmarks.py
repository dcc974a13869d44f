"""Benchmarks as configurations: what they are made of, several in a row, gates and pages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from foresight.cli.choices import choices
from foresight.cli.compose import instantiate_plain, resolve
from foresight.cli.evaluate import evaluate
from foresight.evaluation.benchmarks import Measured, Suite
from foresight.evaluation.gates import at_least, at_most, surely_above, table, weakest, within
from foresight.metrics.statistics import Estimate
from foresight.physics import PhysicsConfig
from foresight.runs.output import RunOutput


def estimate(value, low, high):
    return Estimate(value, low, high, 100)


def test_gates_by_hand() -> None:
    """A promise about an interval needs all of it, a promise about a figure the figure, at the edge included."""
    found = estimate(0.8, 0.7, 0.9)
    assert surely_above("a", found, 0.69).holds and not surely_above("a", found, 0.7).holds
    assert at_least("b", found, 0.8).holds and not at_least("b", found, 0.81).holds
    assert at_most("c", found, 0.8).holds and not at_most("c", found, 0.79).holds
    assert within("d", found, 0.82, 0.02).holds and not within("d", found, 0.83, 0.02).holds
    assert not at_least("e", estimate(float("nan"), 0, 1), 0).holds
    assert weakest({"x": found, "y": estimate(0.9, 0.1, 1.0)})[0] == "y"
    assert [row[""] for row in table([at_least("b", found, 0.5), at_least("b", found, 0.9)])] == ["holds", "FAILS"]


class Fake:
    """A benchmark that measures nothing."""

    def __init__(self, name):
        self.name = name

    def __call__(self, model, progress):
        """One figure, one gate that fails."""
        progress(1, 1)
        found = estimate(0.5, 0.4, 0.6)
        return Measured({"t": [{"figure": "x", "value": "0.5"}]}, {"x": found}, gates=(at_least("x", found, 0.9),))


def test_a_suite_writes_each_part(tmp_path: Path, world: Any) -> None:
    """Each part has a run of its own with figures and gates, and its place in the page."""
    page = tmp_path / "page.md"
    page.write_text("".join(f"<!-- {name} -->\nold\n<!-- /{name} -->\n" for name in ("one", "two")))
    suite = Suite({"a": Fake("one"), "b": Fake("two")})
    evaluate(model=world, benchmark=suite, page=str(page), output=RunOutput(tmp_path / "runs", False, {}))
    for name in ("one", "two"):
        metrics = json.loads((tmp_path / "runs" / name / "metrics.json").read_text())
        assert metrics["figures"]["x"]["low"] == 0.4 and metrics["gates"][0]["holds"] is False
    assert "old" not in page.read_text() and page.read_text().count("FAILS") == 2
    with pytest.raises(ValueError, match="different names"):
        Suite({"a": Fake("one"), "b": Fake("one")})


def test_a_page_without_marks_is_refused_before_measuring(tmp_path: Path, world: Any) -> None:
    """Nothing is computed for a page that cannot take it."""
    page = tmp_path / "page.md"
    page.write_text("<!-- one -->\n<!-- /one -->\n")
    suite = Suite({"a": Fake("one"), "b": Fake("two")})
    with pytest.raises(ValueError, match="two"):
        evaluate(model=world, benchmark=suite, page=str(page), output=RunOutput(tmp_path / "runs", False, {}))
    assert not (tmp_path / "runs").exists()


def _untrained(node):
    """The configuration without what was trained, which is not what is tested here."""
    if isinstance(node, dict):
        trained = "from_pretrained" in str(node.get("_target_"))
        return None if trained else {key: _untrained(value) for key, value in node.items()}
    return node


@pytest.mark.parametrize("choice", [name for name in choices("benchmark") if name != "all"])
def test_every_choice_makes_a_benchmark(choice: Any) -> None:
    """Each file of the configuration tree gives an object with a name that suits a folder."""
    node = resolve("evaluate", [f"benchmark={choice}"])["benchmark"]
    benchmark = instantiate_plain(_untrained(node))
    assert re.fullmatch(r"[a-z_]+", benchmark.name)


def test_all_holds_every_part() -> None:
    """The suite names each benchmark once, those outside the training distribution included."""
    parts = resolve("evaluate", ["benchmark=all"])["benchmark"]["parts"]
    assert {"prediction", "verification", "understanding", "verification_elsewhere", "prediction_elsewhere"} <= set(
        parts
    )
    assert all("_target_" in part for part in parts.values())


def test_worlds_outside_the_training_distribution() -> None:
    """Each differs from the default where its name says, and stands outside the range of training."""
    default = PhysicsConfig()

    def world(name):
        return instantiate_plain(
            resolve("evaluate", ["benchmark=prediction", f"+world@benchmark.physics={name}"])["benchmark"]["physics"]
        )

    assert min(world("more_objects").bodies) > max(default.bodies)
    assert world("faster").speed[0] >= default.speed[1]
    assert world("smaller").radius[1] < default.radius[0] and world("larger").radius[0] > default.radius[1]
    assert world("longer").frames - 9 == 3 * (default.frames - 9)
