"""Run folders of others are data: nothing leads out of them, nothing in them grows without end."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from foresight.cli.main import main
from foresight.cli.shipped import described
from foresight.errors import UserError
from foresight.runs import received
from foresight.runs.received import ReceivedRun

METRICS: dict[str, Any] = {
    "scores": {},
    "instruction": "the ball is pushed",
    "verdict": None,
    "candidates": [],
    "seconds": {"imagining": 1.0},
    "policy": [],
    "facts": {"model": "<script>"},
    "frame_rate": 8.0,
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of which a page can be drawn."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    return folder


def test_a_page_is_drawn_and_nothing_else_is_touched(run: Path) -> None:
    """The page is new; every other file is as it was."""
    assert main(["report", f"run={run}"]) == 0
    assert sorted(path.name for path in run.iterdir()) == ["metrics.json", "report.html"]
    assert "<script>" not in (run / "report.html").read_text()
    assert json.loads((run / "metrics.json").read_text()) == METRICS


@pytest.mark.parametrize("name", ["prediction.mp4", "report.html", "metrics.json", "deeper", ".report.html.1.tmp"])
@pytest.mark.parametrize("command", ["report", "replay"])
def test_links_in_a_run_are_not_followed(
    run: Path, name: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither what a link stands for is shown in a page, nor is it written."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(victim)
    assert main([command, f"run={run}"]) == 2
    assert "link" in capsys.readouterr().err
    assert victim.read_text() == "precious" and (run / name).is_symlink()


def test_pipes_do_not_make_it_wait(run: Path) -> None:
    """A pipe that nobody writes to is refused, not read."""
    (run / "metrics.json").unlink()
    os.mkfifo(run / "metrics.json")
    with pytest.raises(UserError, match=r"pipe.*metrics\.json"):
        ReceivedRun(run)


@pytest.mark.parametrize(
    "metrics",
    [
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        json.dumps(METRICS | {"verdict": 3}),
        json.dumps(METRICS | {"candidates": [1, 2]}),
        json.dumps(METRICS | {"loop": {"outcome": {}, "unseen": [], "attempts": []}}),
        json.dumps(METRICS | {"scores": {"prediction": "good"}}),
        json.dumps(METRICS | {"seconds": [1]}),
    ],
)
def test_other_figures_than_a_predictions_are_one_line(
    run: Path, metrics: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever stands in metrics.json, drawing a page ends with a page or with one line."""
    (run / "metrics.json").write_text(metrics)
    assert main(["report", f"run={run}"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: &a [x, x]\nb: [*a, *a]", "refers to parts of itself"),
        ("!!python/object/apply:os.system ['true']", "constructor"),
        ("[" * 5_000, "config.yaml"),
        ("a: b: c", "config.yaml"),
    ],
)
def test_yaml_of_others_is_plain_and_finite(run: Path, text: str, told: str) -> None:
    """References that multiply, tags that construct, endless nesting and what is no YAML are refused."""
    (run / "config.yaml").write_text(text)
    with pytest.raises(ValueError, match=told):
        ReceivedRun(run).yaml("config.yaml")


def test_differences_from_what_is_shipped_are_told() -> None:
    """The nearest choice and each value that is another; classes in an order that is not shipped by their names."""
    policy = [
        {"_target_": "foresight.loop.Accept"},
        {"_target_": "foresight.loop.Resample", "times": 8},
        {"_target_": "foresight.loop.Abstain", "below": 0.5},
        {"_target_": "foresight.loop.Best"},
    ]
    chain: dict[str, Any] = {"_target_": "foresight.loop.Chain", "policies": policy}
    assert described("policy", chain, {}) == "resample"
    policy[1]["times"] = 3
    assert described("policy", chain, {}) == "resample, but policies[1].times=3 (shipped: 8)"
    assert "Best" in described("policy", {**chain, "policies": policy[::-1]}, {})
    verifier = {"_target_": "foresight.verify.Verifier.from_pretrained", "where": "here"}
    assert described("verifier", verifier, {"model": {"where": "here"}}) == "fitted"
    assert "where='here'" in described("verifier", verifier, {"model": {"where": "there"}})
    assert described("verifier", None, {}) == "none"


def test_packed_text_is_unpacked_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few bytes may stand for more than any memory holds."""
    (tmp_path / "values.gz").write_bytes(gzip.compress(b"x" * 100))
    assert ReceivedRun(tmp_path).text("values.gz") == "x" * 100
    monkeypatch.setattr(received, "LARGEST_UNPACKED", 99)
    with pytest.raises(ValueError, match="unpacks to more than 99"):
        ReceivedRun(tmp_path).text("values.gz")
