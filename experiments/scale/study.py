"""Does verification make up for a smaller video model? Two world models, beside each other at equal arithmetic.

    python -m experiments.scale.study runs/scale --large runs/foresight-tiny --small runs/foresight-tiny-small
    python -m experiments.scale.study runs/scale-ltx --large runs/ltx-13b --small runs/ltx-2b --clips 32

The first argument is the folder of the run, which receives `scale.json` and `scale.png`. Both models are folders with a
fitted verifier (`foresight fit-verifier`), or names of the embedded ones. `--publish` rewrites the README beside this
file.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from experiments.scale.arithmetic import Arithmetic
from experiments.scale.candidates import Choice, Quality, Scored, quality, scored
from experiments.scale.figure import Points, draw
from foresight import WorldModel
from foresight.cli.compose import instantiate_plain, resolve
from foresight.cli.console import progress_bar
from foresight.evaluation.tables import check_marks, markdown, publish
from foresight.metrics.statistics import Estimate
from foresight.physics import PhysicsClip, PhysicsConfig, SimulatedSplit
from ltx.files import write_text

PAGE = Path(__file__).with_name("README.md")
FIGURE = "scale.png"
DRAWS = (1, 2, 4, 8, 16)
POLICIES = ("accept", "revise", "compare", "compare and conform")
"""Of `benchmark=correction`: one guess, and three ways to correct it."""
ERROR, POSITION, ACCURACY = "MSE / copying", "position error (px)", "accuracy after the loop"


@dataclass(frozen=True)
class Curves:
    """All that was measured of one world model.

    Args:
        arithmetic: of its passes.
        choices: quality by choice and number of candidates.
        loop: accuracy by policy, with the operations a clip.
    """

    arithmetic: Arithmetic
    choices: Mapping[Choice, Mapping[int, Quality]]
    loop: Mapping[str, tuple[float, Estimate]]


def measure(name: str, where: str, *, clips: int, draws: Sequence[int] = DRAWS) -> Curves:
    """Candidates and loops of one world model on test clips."""
    model = WorldModel.from_pretrained(where)
    split = list(SimulatedSplit(PhysicsConfig(), "test", clips))
    arithmetic = of_clip(model, split[0])
    found: list[Scored] = []
    with progress_bar(f"{name}: candidates") as progress:
        for clip in scored(model, split, max(draws)):
            found.append(clip)
            progress(len(found), clips)
    choices = {choice: {count: quality(found, count, choice) for count in draws} for choice in get_args(Choice)}
    return Curves(arithmetic, choices, loops(name, model, where, arithmetic, clips))


def of_clip(model: WorldModel, clip: PhysicsClip) -> Arithmetic:
    """Arithmetic of predicting a clip."""
    return Arithmetic.of(model, clip.context, clip.instruction, clip.future.shape[1])


def loops(
    name: str, model: WorldModel, where: str, arithmetic: Arithmetic, clips: int
) -> dict[str, tuple[float, Estimate]]:
    """Accuracy of loops that are not told what was done, and the operations they take."""
    words = ["benchmark=correction", f"benchmark.clips={clips}", "model=folder", f"model.where={where}"]
    settings = resolve("evaluate", words)["benchmark"]
    settings["policies"] = {policy: settings["policies"][policy] for policy in POLICIES}
    settings["budgets"] = {policy: settings["budgets"][policy] for policy in POLICIES}
    with progress_bar(f"{name}: loops") as progress:
        figures = instantiate_plain(settings)(model, progress).figures
    return {policy: (_operations(arithmetic, figures, policy), figures[f"{policy}: accuracy"]) for policy in POLICIES}


def _operations(arithmetic: Arithmetic, figures: Mapping[str, Estimate], policy: str) -> float:
    return arithmetic.spent(figures[f"{policy}: transformer evaluations"].value, figures[f"{policy}: decodes"].value)


def rows(found: Mapping[str, Curves]) -> list[dict[str, str]]:
    """A row for each model, choice and number of candidates that differ."""
    table = []
    for name, curves in found.items():
        for choice, counts in curves.choices.items():
            for draws, reached in counts.items():
                if (choice == "first") == (draws == 1):
                    table.append(
                        {
                            "model": name,
                            "candidates": str(draws),
                            "chosen": "–" if choice == "first" else choice,
                            "10⁹ operations": f"{curves.arithmetic.draws(draws) / 1e9:.2f}",
                            ERROR: f"{reached.error:.3f}",
                            POSITION: f"{reached.position:.2f}",
                        }
                    )
    return table


def loop_rows(found: Mapping[str, Curves]) -> list[dict[str, str]]:
    """A row for each model and policy."""
    return [
        {"model": name, "policy": policy, "10⁹ operations": f"{operations / 1e9:.1f}", ACCURACY: f"{accuracy:.2f}"}
        for name, curves in found.items()
        for policy, (operations, accuracy) in curves.loop.items()
    ]


def lines(found: Mapping[str, Curves]) -> dict[str, dict[str, Points]]:
    """Panels of the figure."""
    panels: dict[str, dict[str, Points]] = {ERROR: {}, POSITION: {}, ACCURACY: {}}
    for name, curves in found.items():
        for choice in ("middle", "verified"):
            reached = [(curves.arithmetic.draws(draws), value) for draws, value in curves.choices[choice].items()]
            panels[ERROR][f"{name}, {choice}"] = [(operations, value.error) for operations, value in reached]
            panels[POSITION][f"{name}, {choice}"] = [(operations, value.position) for operations, value in reached]
        panels[ACCURACY][name] = sorted(curves.loop.values(), key=lambda point: point[0])
    return panels


def record(found: Mapping[str, Curves]) -> dict[str, Any]:
    """Plain values."""
    return {
        name: {
            "operations": {
                "reading": curves.arithmetic.reading,
                "evaluation": curves.arithmetic.evaluation,
                "decoding": curves.arithmetic.decoding,
                "evaluations": curves.arithmetic.evaluations,
            },
            "choices": {
                choice: {
                    str(draws): {"error": value.error.as_dict(), "position": value.position.as_dict()}
                    for draws, value in counts.items()
                }
                for choice, counts in curves.choices.items()
            },
            "loop": {
                policy: {"operations": operations, "accuracy": accuracy.as_dict()}
                for policy, (operations, accuracy) in curves.loop.items()
            },
        }
        for name, curves in found.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure both, write the run's folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--large", required=True, help="world model with the larger transformer")
    parser.add_argument("--small", required=True, help="world model with the smaller one")
    parser.add_argument("--clips", type=int, default=128)
    parser.add_argument("--publish", action="store_true", help="rewrite the README beside this file")
    given = parser.parse_args(arguments)
    if given.publish:
        check_marks(PAGE, "candidates")
        check_marks(PAGE, "loops")
    found = {name: measure(name, getattr(given, name), clips=given.clips) for name in ("large", "small")}
    given.root.mkdir(parents=True, exist_ok=True)
    write_text(given.root / "scale.json", json.dumps(record(found), indent=2) + "\n")
    draw(lines(found), given.root / FIGURE)
    print(markdown(rows(found)), markdown(loop_rows(found)), sep="\n\n")
    if given.publish:
        publish(markdown(rows(found)), PAGE, "candidates")
        publish(markdown(loop_rows(found)), PAGE, "loops")
        shutil.copyfile(given.root / FIGURE, PAGE.with_name(FIGURE))


if __name__ == "__main__":
    main()
