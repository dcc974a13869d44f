"""Predict the same clips from every noise level, with `latent` and with `ic_lora`; publish table and figure.

    python -m experiments.noise_levels.study runs/noise_levels
    python -m experiments.noise_levels.study runs/noise_levels --latent A --ic-lora B --model WHERE --clips 32

The first argument is the folder of the run, which receives `noise_levels.json` and `noise_levels.png`. The adapters are
those that `make adapters` trains, unless folders are named. With `--model` or adapters of your own, the README beside
this file is left alone.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from adapters import ComposeConfig, ComposedAdapter, load_adapter, save_adapter
from experiments.noise_levels.figure import draw
from experiments.noise_levels.levels import (
    COLUMNS,
    ERROR,
    EVALUATIONS,
    LATENCY,
    LEVELS,
    POSITION,
    SHARPNESS,
    WHOLE,
    figures,
    outcomes,
)
from foresight.cli.console import progress_bar
from foresight.errors import UserError
from foresight.evaluation.tables import check_marks, markdown, publish
from foresight.metrics.statistics import Estimate
from foresight.physics import PhysicsConfig
from foresight.world.variants import adapted_world_model
from ltx.files import write_text

PAGE = Path(__file__).with_name("README.md")
FIGURE = "noise_levels.png"
TRAINED = Path("runs/adapters")
MODEL = "foresight-tiny"
SPECS = {ERROR: ".2f", POSITION: ".2f", SHARPNESS: ".2f", LATENCY: ".0f", WHOLE: ".0f", EVALUATIONS: ".0f"}

Curves = dict[str, dict[float, dict[str, Estimate]]]


def study(root: Path, *, model: str, latent: Path, ic_lora: Path, clips: int) -> Curves:
    """Measure both adapters at `LEVELS`, write the run folder, and return the figures.

    Raises:
        UserError: if an adapter has not been trained.
    """
    for folder in (latent, ic_lora):
        require(folder)
    joined = root / "latent and ic_lora"
    join(latent, ic_lora, joined)
    found: Curves = {}
    for name, adapter in (("latent", latent), ("ic_lora", joined)):
        world = adapted_world_model(where=model, adapter=adapter)
        with progress_bar(name) as progress:
            rows = []
            for row in outcomes(world, clips, PhysicsConfig(), LEVELS):
                rows.append(row)
                progress(len(rows), clips)
        found[name] = {level: figures([row[index] for row in rows]) for index, level in enumerate(LEVELS)}
    record = {
        name: {str(level): {key: value.as_dict() for key, value in values.items()} for level, values in curve.items()}
        for name, curve in found.items()
    }
    write_text(root / "noise_levels.json", json.dumps(record, indent=2) + "\n")
    draw(found, root / FIGURE)
    return found


def require(folder: Path) -> None:
    """Refuse a folder without adapter.

    Raises:
        UserError: saying which command trains it.
    """
    if not (folder / "adapter_config.json").is_file():
        raise UserError(
            expected=f"a trained adapter in {folder}",
            got="none",
            remedy="train it with `make adapters`, or name another folder with --latent and --ic-lora",
        )


def join(latent: Path, ic_lora: Path, folder: Path) -> None:
    """Save both as one adapter: `ic_lora` makes no forecast, so that below σ* = 1 it refines that of `latent`.

    Raises:
        ValueError: if they were trained for different models.
    """
    parts = [load_adapter(where) for where in (latent, ic_lora)]
    save_adapter(ComposedAdapter(ComposeConfig(tuple(part.config for part in parts)), parts), folder)


def rows(found: Mapping[str, Mapping[float, Mapping[str, Estimate]]]) -> list[dict[str, str]]:
    """One row per adapter and noise level."""
    return [
        {"adapter": name, "σ*": f"{level:g}", **{key: f"{values[key]:{SPECS[key]}}" for key in COLUMNS}}
        for name, curve in found.items()
        for level, values in curve.items()
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--latent", type=Path, default=TRAINED / "latent" / "adapter")
    parser.add_argument("--ic-lora", type=Path, default=TRAINED / "ic_lora" / "adapter")
    parser.add_argument("--model", default=MODEL, help="world model: a folder, a hub id, or the embedded one")
    parser.add_argument("--clips", type=int, default=128)
    given = parser.parse_args()
    check_marks(PAGE, "noise levels")
    try:
        measured = study(given.root, model=given.model, latent=given.latent, ic_lora=given.ic_lora, clips=given.clips)
    except UserError as error:
        parser.exit(2, f"{error}\n")
    if all(getattr(given, name) == parser.get_default(name) for name in ("latent", "ic_lora", "model", "clips")):
        publish(markdown(rows(measured)), PAGE, "noise levels")
        shutil.copyfile(given.root / FIGURE, PAGE.with_name(FIGURE))
