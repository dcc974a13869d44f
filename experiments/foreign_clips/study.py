"""From videos of a foreign kind to verified predictions: each step as docs/your-videos.md shows it, timed and measured.

    python -m experiments.foreign_clips.study runs/foreign_clips

Started again, it goes on where it was: recorded clips stay, trainings resume, what is fitted is fitted anew.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from experiments.foreign_clips import record
from foresight import WorldModel
from foresight.data.reconstruction import measured
from foresight.data.videos import VideoClips
from foresight.metrics.statistics import Estimate, skill
from foresight.world.domain import reconstruct

VAE, TRANSFORMER = "runs/finetune/vae", "runs/finetune/transformer"
WORLD = f"{TRANSFORMER}/world"
STEPS = {
    "vae": ["train", "experiment=finetune/vae", "paths.videos=clips", "trainer.max_steps=200"],
    "transformer": [
        *("train", "experiment=finetune/transformer", "paths.videos=clips", f"ltx.vae={VAE}/vae"),
        "trainer.max_steps=200",
    ],
    "verifier": ["fit-verifier", f"model={WORLD}", "cases=videos", "paths.videos=clips", f"to={WORLD}/verifier"],
}
FRAMES, GIVEN, RATE, SIZE = 25, 9, 8.0, (64, 64)
CANDIDATES = 16


def run(folder: Path, words: list[str]) -> float:
    """Run a command in a folder, and say how many seconds of processor time it took.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    path = os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH", "")]))
    command = [sys.executable, "-m", "foresight.cli.main", *words]
    subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def held_out(folder: Path) -> VideoClips:
    """Clips that no part was trained or fitted on."""
    return VideoClips(folder=folder / "clips", split="validation", frames=FRAMES, frame_rate=RATE, size=SIZE)


def drawn(folder: Path, where: str | Path) -> float:
    """PSNR of all held-out clips through a model's VAE, in dB."""
    world, clips = WorldModel.from_pretrained(where), held_out(folder)
    videos = [clips.__getitems__([row]).video for row in range(len(clips))]
    return measured((video, reconstruct(world, video)) for video in videos).psnr


@torch.no_grad()
def skills(folder: Path, where: str | Path) -> list[Estimate]:
    """1 − squared error / that of copying the last given latent frame, at each later one, over the held-out clips.

    What is predicted is the consensus of the candidates.
    """
    world, clips = WorldModel.from_pretrained(where), held_out(folder)
    errors, copies = [], []
    for row in range(len(clips)):
        found = clips.__getitems__([row])
        context, told = found.video[0, :, :GIVEN], found.instructions[0]
        prediction = world.predict(context, told, FRAMES - GIVEN, candidates=CANDIDATES)
        truth = world.encode(found.video)[0]
        known = prediction.context_latents.shape[1]
        future, last = truth[:, known:], truth[:, known - 1 : known]
        errors.append((prediction.consensus - future).square().mean(dim=(0, 2, 3)))
        copies.append((last - future).square().mean(dim=(0, 2, 3)))
    return [skill(own, copy) for own, copy in zip(torch.stack(errors).T, torch.stack(copies).T, strict=True)]


def verdicts(folder: Path, clips: int) -> dict[str, Any]:
    """Scores of predicting some held-out files, by the command that the page shows."""
    said: dict[str, Any] = {}
    for clip in held_out(folder).clips[:clips]:
        name = f"predict-{clip.path.stem}"
        words = ["predict", f"model={WORLD}", f"video={clip.path.resolve()}", f"instruction={clip.instruction}"]
        run(folder, [*words, f"run=runs/{name}"])
        figures = json.loads((folder / "runs" / name / "metrics.json").read_text())
        said[clip.path.name] = {key: figures["verdict"][key] for key in ("decision", "probability")}
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=250, help="how many are recorded")
    parser.add_argument("--predicted", type=int, default=3, help="held-out files that are predicted and verified")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    if not (folder / "clips" / "metadata.jsonl").is_file():
        record.write(folder / "clips", range(arguments.clips))
    figures: dict[str, Any] = {"reconstruction before (dB)": drawn(folder, "foresight-tiny")}
    for name, words in STEPS.items():
        figures[f"{name}: processor time (s)"] = round(run(folder, words))
        if name == "transformer":
            figures["reconstruction after (dB)"] = drawn(folder, folder / WORLD)
            figures["skill over copy in latents, by latent frame"] = [
                one.as_dict() for one in skills(folder, folder / WORLD)
            ]
        (folder / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    figures["verdicts"] = verdicts(folder, arguments.predicted)
    (folder / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
