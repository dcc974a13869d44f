"""Measure how well VLM states align with LTX latents, layer by layer; publish table and figure beside this file.

    python -m experiments.alignment.study runs/alignment
    python -m experiments.alignment.study runs/alignment-3b ltx=2b-0.9.8-distilled vlm=qwen2.5-vl-3b device=cuda

The first argument is the folder of the run, which receives `alignment.json` and `alignment.png`; the others are
overrides of `alignment.yaml` beside this file. Without any, the README beside this file is rewritten too.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.alignment.figure import draw
from experiments.alignment.measures import (
    CKA,
    COMING,
    DIMENSION,
    HERE,
    MEASURES,
    RECALL,
    SEEN,
    SOON,
    mean_place_errors,
    measure,
    staying_errors,
)
from experiments.alignment.states import LATENTS, States, read_states
from foresight.cli.compose import instantiate_plain, resolve
from foresight.cli.console import console, progress_bar
from foresight.evaluation.tables import check_marks, markdown, publish
from foresight.metrics.statistics import Estimate, mean
from foresight.physics import SimulatedSplit
from foresight.training.initial import trained_vae, trained_vlm
from foresight.vlm.encoder import QwenEncoder
from ltx.files import write_text
from ltx.vae import VideoVAE

PAGE = Path(__file__).with_name("README.md")
CONFIGS = Path(__file__).resolve().parent
FIGURE = "alignment.png"
MEAN, STAYS = "mean position", "stays where it is"
SPECS = {SEEN: ".3f", COMING: ".3f", CKA: ".3f", RECALL: ".3f", DIMENSION: ".1f", HERE: ".1f", SOON: ".1f"}

Table = dict[str, dict[str, Estimate]]


def study(root: Path, overrides: Sequence[str]) -> Table:
    """Measure, write the run folder, and return what was found by representation and baseline."""
    config = resolve("alignment", overrides, folders=[CONFIGS])
    vlm, vae = _models(config)
    physics = instantiate_plain(config["physics"])

    def states(split: str) -> States:
        clips = SimulatedSplit(physics, split, config[split])
        with progress_bar(f"encoding {split}") as progress:
            return read_states(vlm, vae, clips, batch=config["batch"], moments=config["moments"], progress=progress)

    train, test = states("train"), states("test")
    found = {}
    for name in train.cells:
        found[name] = measure(name, train, test, batch=config["batch"], neighbours=config["neighbours"])
        console.print(f"{name}: " + ", ".join(f"{key} {found[name][key]:{SPECS[key]}}" for key in MEASURES))
    found |= baselines(train, test)
    root.mkdir(parents=True, exist_ok=True)
    write_text(root / "alignment.json", json.dumps(_record(config, found), indent=2) + "\n")
    shown = {name: values for name, values in found.items() if len(values) == len(MEASURES) and name != LATENTS}
    draw(shown, {name: values for name, values in found.items() if name not in shown}, root / FIGURE)
    return found


def baselines(train: States, test: States) -> Table:
    """Baselines without a model: the average place, and standing still."""
    return {
        MEAN: {
            HERE: mean(mean_place_errors(train.here, test.here)),
            SOON: mean(mean_place_errors(train.soon, test.soon)),
        },
        STAYS: {SOON: mean(staying_errors(test.here, test.soon))},
    }


def rows(found: Mapping[str, Mapping[str, Estimate]]) -> list[dict[str, str]]:
    """One row per representation or baseline."""
    return [
        {"states": name, **{key: f"{values[key]:{SPECS[key]}}" if key in values else "–" for key in MEASURES}}
        for name, values in found.items()
    ]


def _models(config: Mapping[str, Any]) -> tuple[QwenEncoder, VideoVAE]:
    """The VLM with all of its hidden states, and the video model's VAE."""
    vlm = trained_vlm(where=config["vlm"]["where"], layers=[-1])
    vlm.layers = tuple(range(vlm.layers[0] + 1))
    vae = trained_vae(where=config["ltx"]["where"])
    return vlm.to(config["device"]), vae.to(config["device"])


def _record(config: Mapping[str, Any], found: Table) -> dict[str, Any]:
    figures = {name: {key: value.as_dict() for key, value in values.items()} for name, values in found.items()}
    return {"config": config, "figures": figures}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("overrides", nargs="*")
    given = parser.parse_args()
    check_marks(PAGE, "alignment")
    measured = study(given.root, given.overrides)
    if not given.overrides:
        publish(markdown(rows(measured)), PAGE, "alignment")
        shutil.copyfile(given.root / FIGURE, PAGE.with_name(FIGURE))
