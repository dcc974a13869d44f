"""From checkpoints of true size to a verified prediction, by commands, each measured beside what `plan` foretells.

    python -m experiments.full_size.proof /tmp/full_size
    python -m experiments.full_size.proof /tmp/full_size --stages encode,train --keep

The first argument is a folder for 25 GB; the checkpoints in it are deleted at the end unless they are to be kept.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from experiments.full_size.checkpoints import (
    FULL,
    SENTENCES,
    Sizes,
    tiny_sizes,
    write_text_encoder,
    write_video_model,
    write_vlm,
)
from experiments.full_size.measure import Measured, measured
from foresight.cli.compose import instantiate_plain, resolve
from foresight.cli.console import console, print_table
from foresight.evaluation.tables import check_marks, markdown, publish
from foresight.machine.stages import stages
from foresight.machine.training import footprint
from foresight.physics import PhysicsConfig, make_clip
from foresight.physics.clip import SPLITS
from ltx.files import write_text
from ltx.media import write_mp4

PAGE = Path(__file__).with_name("README.md")
MARK = "full_size"
LIMIT = 15_000_000_000
"""Bytes of its own that a command may have."""
FRAMES, SIDE, RATE = 17, 64, 25
CLIPS = {"train": 1, "validation": 1, "calibration": 8}
STAGES = ("encode", "train", "assemble", "predict", "generate", "fit-verifier", "judge")


def commands(root: Path) -> dict[str, list[str]]:
    """The words of each stage, after `foresight`."""
    ltx, vlm, text = root / "ltx.safetensors", root / "vlm", root / "t5"
    models = [
        "ltx=own",
        f"ltx.where={ltx}",
        f"ltx.text={text}",
        f"ltx.clip=[{FRAMES},{SIDE},{SIDE}]",
        "ltx.context=2",
        "vlm=own",
        f"vlm.where={vlm}",
    ]
    places = [f"paths.cache={root / 'cache'}", f"paths.videos={root / 'videos'}"]
    world, fitted = root / "world", root / "verifier"
    clip = root / "videos" / "calibration" / "0.mp4"
    sight = [f"video={clip}", f"instruction={SENTENCES[0]}", f"size=[{SIDE},{SIDE}]", "context=9", "horizon=8"]
    asked = ["candidates=2", "noise_level=1"]
    cases = [f"cases.clips.frames={FRAMES}", f"cases.clips.frame_rate={RATE}", f"cases.clips.size=[{SIDE},{SIDE}]"]
    return {
        "encode": ["encode", "data=video_features", *models, *places],
        "train": [
            *("train", "experiment=adapters/queries", "data=video_features", *models, *places),
            *("data.batch=1", "trainer.accelerator=cpu", "trainer.max_steps=2", "trainer.val_check_interval=2"),
            *("adapter.config.queries=16", f"run={root / 'run'}"),
        ],
        "assemble": [
            *("assemble", *models, f"adapter={root / 'run'}", f"to={world}"),
            *("sampling.steps=1", "sampling.guidance=1"),
        ],
        "predict": ["predict", f"model={world}", *sight, *asked, "verifier=none", f"run={root / 'predicted'}"],
        "generate": [
            *("generate", f"pipeline.where={ltx}", f"pipeline.text_encoder={text}", f"prompt={SENTENCES[0]}"),
            *("frames=9", f"height={SIDE}", f"width={SIDE}", "steps=1", "guidance=1", f"run={root / 'generated'}"),
        ],
        "fit-verifier": [
            *("fit-verifier", f"model={world}", "cases=videos", *cases, places[1], f"to={fitted}"),
            *("candidates=2", "frames=[8]", "noise_levels=[0.7]", "signals=[flow_told]", "cases.negatives=1"),
            *("plausibilities=[agreement]", "cases.kinds=[reversed]"),
        ],
        "judge": [*("predict", f"model={world}", *sight, *asked, f"verifier.where={fitted}", f"run={root / 'judged'}")],
    }


def write_clips(folder: Path) -> None:
    """A few recorded clips of the simulated world, in folders for each purpose."""
    physics = PhysicsConfig(frames=FRAMES, size=SIDE, frame_rate=RATE)
    for split, count in CLIPS.items():
        (folder / split).mkdir(parents=True, exist_ok=True)
        rows = []
        for number in range(count):
            clip = make_clip(SPLITS["train"] + number, physics)
            write_mp4(folder / split / f"{number}.mp4", clip.tensor, frame_rate=RATE)
            rows.append({"file_name": f"{number}.mp4", "instruction": SENTENCES[number % 2]})
        write_text(folder / split / "metadata.jsonl", "\n".join(map(json.dumps, rows)) + "\n")


def write_checkpoints(root: Path, sizes: Sizes) -> None:
    """All three, unless they are there from before."""
    for name, write in (("ltx.safetensors", write_video_model), ("vlm", write_vlm), ("t5", write_text_encoder)):
        done = root / f"{name}.done"
        if not done.is_file():
            console.print(f"writing {name}")
            write(root / name, sizes)
            done.touch()


def as_process(words: Sequence[str], root: Path) -> Measured:
    """Run the words of a command in a process of its own, which may have `LIMIT` bytes."""
    return measured([sys.executable, "-m", "foresight.cli.main", *words], folder=root, limit=LIMIT)


def prove(
    root: Path, sizes: Sizes, names: Sequence[str], run: Callable[[Sequence[str], Path], Measured] = as_process
) -> dict[str, Measured]:
    """Write what is missing and run stages.

    Args:
        root: folder of everything.
        sizes: of the checkpoints.
        names: of the stages, out of `STAGES`, in order.
        run: how a command is run.

    Raises:
        CommandFailed: if one does not end well.
    """
    root.mkdir(parents=True, exist_ok=True)
    write_checkpoints(root, sizes)
    write_clips(root / "videos")
    found = {}
    for stage in names:
        console.print(f"{stage} …")
        found[stage] = run(commands(root)[stage], root)
        console.print(f"{stage}: {found[stage].peak / 1e9:.2f} GB, {found[stage].seconds:.0f} s")
        write_text(root / f"{stage}.json", json.dumps(asdict(found[stage])))
    return found


def recorded(root: Path) -> dict[str, Measured]:
    """What was measured of each stage the last time it ran in this folder, in order."""
    found = {}
    for stage in STAGES:
        path = root / f"{stage}.json"
        if path.is_file():
            found[stage] = Measured(**json.loads(path.read_text(encoding="utf-8")))
    return found


def foretold(root: Path) -> dict[str, int]:
    """Bytes that `foresight plan` says of the stages, from the configurations of the models that were written."""
    models = [word for word in commands(root)["encode"][2:] if not word.startswith("paths.")]
    config = resolve("plan", [*models, "adapter=queries", "adapter.config.queries=16"])
    found = footprint(vlm=config["vlm"], ltx=config["ltx"], adapter=instantiate_plain(config["adapter"]))
    told = {one.command: one.memory for one in stages(found, batch=1, recompute=False, text=False)}
    return told | {"fit-verifier": told["predict"], "judge": told["predict"]}


def table(found: Mapping[str, Measured], planned: Mapping[str, int]) -> list[dict[str, str]]:
    """A row for each stage."""
    return [
        {
            "stage": stage,
            "peak, GB": f"{one.peak / 1e9:.2f}",
            "of it not in mapped files, GB": f"{one.own / 1e9:.2f}",
            "plan says, GB": f"{planned[stage] / 1e9:.2f}" if stage in planned else "",
            "seconds": f"{one.seconds:.0f}",
        }
        for stage, one in found.items()
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("root", type=Path, help="a folder for 25 GB")
    parser.add_argument("--tiny", action="store_true", help="the same formats at a size that takes seconds")
    parser.add_argument("--stages", default=",".join(STAGES), help="in order, with commas between them")
    parser.add_argument("--keep", action="store_true", help="do not delete the checkpoints")
    chosen = parser.parse_args(arguments)
    if not chosen.tiny:
        check_marks(PAGE, MARK)
    root = chosen.root.resolve()
    try:
        prove(root, tiny_sizes() if chosen.tiny else FULL, chosen.stages.split(","))
        rows = table(recorded(root), foretold(root))
    finally:
        if not chosen.keep:
            for name in ("ltx.safetensors", "vlm", "t5"):
                path = root / name
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
                (root / f"{name}.done").unlink(missing_ok=True)
    print_table("full size", rows)
    if not chosen.tiny:
        publish(markdown(rows), PAGE, MARK)


if __name__ == "__main__":
    main()
