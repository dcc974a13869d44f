"""Train every adapter from cached features, measure what it does, publish the tables of the README beside this file.

    python -m experiments.adapters.study runs/adapters
    python -m experiments.adapters.study runs/adapters --clips 32 trainer.max_steps=300 benchmark.clips=64
    python -m experiments.adapters.study runs/adapters --only latent

The first argument is the folder of the study; overrides of `benchmark.…` go to every evaluation, all others to every
training. What is there already, an encoded cache, a trained adapter or its figures, is kept: to measure new weights of
the models, name another folder. With `--only` the tables are left alone.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from adapters import load_adapter
from experiments.adapters.positions import EmptyText, copier, forecaster, position_errors
from foresight import WorldModel
from foresight.cli.main import main as foresight
from foresight.evaluation.conditioning import EARLIER, HEARD, MOVED, OVER_NONE, OVER_OTHER, SAME, WHOLE
from foresight.evaluation.tables import markdown, publish
from foresight.metrics.statistics import mean, ratio_of_means
from foresight.physics import PhysicsConfig
from foresight.world.variants import adapted_world_model, without_adapter
from ltx.files import write_text

MODEL = "foresight-tiny"
PAGE = Path(__file__).with_name("README.md")
ADAPTERS = ("linear", "mlp", "latent", "latent_without_places", "queries", "added_queries", "ic_lora", "composed")
GAINS = (
    ("gain over another clip's features", OVER_OTHER, SAME),
    ("gain over none", OVER_NONE, SAME),
    *((where, OVER_NONE, where) for where in (HEARD, EARLIER, WHOLE)),
)
"""Columns of the table, and the figures of the conditioning card that they show."""

DECODE, REFINE, CONDITION = 0.05, 0.5, 1.0


def study(root: Path, overrides: Sequence[str], *, clips: int, only: Sequence[str]) -> None:
    """Train and measure adapters; publish, if all were asked for."""
    evaluations = [word for word in overrides if word.startswith("benchmark.")]
    for name in only or ADAPTERS:
        train(name, root / name, [word for word in overrides if word not in evaluations])
        measure(root / name, evaluations)
        follow(root / name, clips)
    if not only:
        follow_baselines(root, clips)
        publish(markdown(rows(root)), PAGE, "adapters")
        publish(markdown(position_rows(root)), PAGE, "positions")


def train(name: str, run: Path, overrides: Sequence[str]) -> None:
    """Train one adapter unless it is there; the processor seconds are noted beside it."""
    if (run / "adapter" / "adapter_config.json").is_file():
        return
    began = time.process_time()
    call("train", f"experiment=adapters/{name}", f"run={run}", f"paths.cache={run.parent}/cache", *overrides)
    seconds = {"processor seconds": time.process_time() - began}
    write_text(run / "cost.json", json.dumps(seconds) + "\n")


def measure(run: Path, overrides: Sequence[str]) -> None:
    """The conditioning card of one adapter, unless it is there."""
    if (run / "evaluation" / "conditioning" / "metrics.json").is_file():
        return
    adapter = f"model.adapter={run}/adapter"
    call("evaluate", "benchmark=conditioning", "model=adapted", adapter, f"run={run}/evaluation", *overrides)


def follow(run: Path, clips: int) -> None:
    """Position errors of an adapter on each of its routes, unless they are there."""
    if (run / "positions.json").is_file():
        return
    model = adapted_world_model(where=MODEL, adapter=run / "adapter")
    model = model.replace(text_encoder=EmptyText(model.text_encoder))
    assert model.adapter is not None
    levels = [DECODE, REFINE] if "forecast" in model.adapter.provides else []
    if model.adapter.provides & {"context", "reference"}:
        levels.append(CONDITION)
    errors = {str(level): position_errors(forecaster(model, level), clips, PhysicsConfig()) for level in levels}
    _note(run / "positions.json", errors)


def follow_baselines(root: Path, clips: int) -> None:
    """Position errors of what needs no adapter, unless they are there."""
    if (root / "positions.json").is_file():
        return
    with without_adapter(WorldModel.from_pretrained(MODEL)) as alone:
        told = position_errors(forecaster(alone, CONDITION), clips, PhysicsConfig())
        errors = {"video model alone, told by its text encoder": told}
        alone = alone.replace(text_encoder=EmptyText(alone.text_encoder))
        errors["video model alone, not told"] = position_errors(forecaster(alone, CONDITION), clips, PhysicsConfig())
    errors["copy last frame"] = position_errors(copier, clips, PhysicsConfig())
    _note(root / "positions.json", errors)


def rows(root: Path) -> list[dict[str, str]]:
    """One row per adapter: what it cost and what its conditioning does."""
    table = []
    for name in ADAPTERS:
        figures = _read(root / name / "evaluation" / "conditioning" / "metrics.json")["figures"]
        parameters = sum(value.numel() for value in load_adapter(root / name / "adapter").parameters())
        table.append(
            {
                "adapter": name,
                "parameters": f"{parameters:,}",
                "processor minutes": f"{_read(root / name / 'cost.json')['processor seconds'] / 60:.1f}",
                **{title: _interval(figures[f"{gain}, {where}"]) for title, gain, where in GAINS},
                "moves the video by": f"{figures[MOVED]['value']:.1f}",
            }
        )
    return table


def position_rows(root: Path) -> list[dict[str, str]]:
    """One row per adapter and route, beside what needs no adapter; the last column is paired with `linear`, decoded."""
    floor = np.asarray(_read(root / "linear" / "positions.json")[str(DECODE)])
    named = {(name, "–"): values for name, values in _read(root / "positions.json").items()}
    for name in ADAPTERS:
        named |= {(name, level): values for level, values in _read(root / name / "positions.json").items()}
    return [
        {
            "prediction": name,
            "σ*": level,
            "position error (px)": f"{mean(values):.2f}",
            "divided by linear's": f"{ratio_of_means(values, floor):.2f}",
        }
        for (name, level), values in named.items()
    ]


def call(*arguments: str) -> None:
    """Run a command of the command line.

    Raises:
        RuntimeError: if it fails.
    """
    code = foresight(arguments)
    if code:
        raise RuntimeError(f"foresight {' '.join(arguments)} ended with code {code}")


def _note(path: Path, errors: Mapping[str, np.ndarray]) -> None:
    write_text(path, json.dumps({name: values.tolist() for name, values in errors.items()}) + "\n")


def _interval(figure: Mapping[str, Any]) -> str:
    return f"{figure['value']:.1%} [{figure['low']:.1%}, {figure['high']:.1%}]"


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--clips", type=int, default=128, help="test clips whose objects are followed")
    parser.add_argument("--only", nargs="+", default=[], choices=ADAPTERS)
    given = parser.parse_intermixed_args()
    study(given.root, given.overrides, clips=given.clips, only=given.only)
