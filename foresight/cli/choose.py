"""`foresight choose`: imagine each of several instructions, and rank them by how near they come to a goal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from foresight.choose import Choice, Goal, ImageGoal, Temperature, read_goal
from foresight.choose import choose as imagine
from foresight.cli.console import console, print_table, progress_bar, say_placement
from foresight.report import Film, Report, Table, contact_sheet, write_page
from foresight.runs.directory import RunDirectory
from foresight.runs.output import RunOutput
from foresight.video.clips import Clip
from foresight.video.window import ClipWindow
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel

PAPER = 0.96
"""Grey level of cells in which nothing is shown, in [−1, 1]: the sheet's own."""


def choose(
    *,
    model: WorldModel,
    temperature: Temperature | float,
    goal: str,
    instructions: Sequence[str],
    window: ClipWindow,
    sampling: Sampling,
    output: RunOutput,
) -> Choice:
    """Choose among instructions and write a run directory.

    Args:
        model: the world model.
        temperature: fitted for the model, or a number.
        goal: a picture, a video whose last frame is meant, or a sentence that shall be true of the end.
        instructions: what could be done, at least two.
        window: of the video that is observed and imagined.
        sampling: of the futures of each instruction.
        output: run directory to write.

    Raises:
        MediaError: if a file cannot be read.
        UserError: if a value is out of its range.
    """
    say_placement(model.placement)
    with output.directory() as folder:
        clip = window.read(model.sampling_config.frame_rate)
        wanted = read_goal(goal, (window.size[0], window.size[1]))
        heat = temperature.of(wanted.kind, model) if isinstance(temperature, Temperature) else temperature
        began = perf_counter()
        with progress_bar("imagining") as progress:
            choice = imagine(
                model,
                clip.lengths.fit_context(clip.context),
                instructions,
                wanted,
                horizon=clip.lengths.horizon,
                temperature=heat,
                sampling=sampling,
                progress=progress,
            )
        took = perf_counter() - began
        contact_sheet(folder / "choice.png", _rows(choice, clip, wanted), frame_rate=clip.frame_rate)
        rows = [
            {
                "instruction": choice.instructions[index],
                "probability": "–" if choice.probabilities is None else f"{choice.probabilities[index]:.3f}",
                "distance": f"{choice.costs[index]:.4g}",
            }
            for index in choice.order
        ]
        output.record(folder, _record(choice, wanted, goal, heat, took))
        write_page(folder / "report.html", _page(folder, rows, clip, goal, str(window.video), took, choice))
        if choice.domain.sentence:
            console.print(choice.domain.sentence)
        print_table(f"{wanted.kind} goal", rows)
    console.print(f"run directory {folder.path}")
    return choice


def _rows(choice: Choice, clip: Clip, goal: Goal) -> dict[str, Tensor]:
    """A row of frames per instruction, the best first, and the goal in the last column."""
    rows = {}
    if isinstance(goal, ImageGoal):
        empty = torch.full_like(goal.picture, PAPER)[:, None].expand(-1, clip.lengths.horizon - 1, -1, -1)
        rows["goal"] = torch.cat([empty, goal.picture[:, None]], dim=1)
    for index in choice.order:
        prediction = choice.predictions[index]
        chance = "" if choice.probabilities is None else f"{100 * choice.probabilities[index]:.0f} %  "
        label = f"{chance}{choice.instructions[index]}"
        rows[label] = prediction.video[prediction.medoid].cpu()
    return rows


def _record(choice: Choice, goal: Goal, text: str, temperature: float, took: float) -> dict[str, Any]:
    chances = choice.probabilities or [None] * len(choice.costs)
    return {
        "goal": text,
        "kind": goal.kind,
        "temperature": temperature,
        "best": choice.best,
        "reconstruction_psnr": choice.domain.psnr,
        "abstained": choice.domain.sentence if choice.best is None else None,
        "options": [
            {"instruction": sentence, "probability": probability, "distance": cost}
            for sentence, probability, cost in zip(choice.instructions, chances, choice.costs, strict=True)
        ],
        "seconds": took,
    }


def _page(
    folder: RunDirectory,
    rows: Sequence[Mapping[str, str]],
    clip: Clip,
    goal: str,
    video: str,
    took: float,
    choice: Choice,
) -> Report:
    return Report(
        title="Choice",
        instruction=goal,
        decision=rows[0]["instruction"] if choice.best else f"abstain: {choice.domain.sentence}",
        films=[Film(folder / "choice.png", "what each instruction is imagined to lead to, the most probable first")],
        tables={"Instructions": Table(list(rows[0]), [list(row.values()) for row in rows], best=0)},
        stages={"imagining": took},
        policy=clip.policy,
        facts={"video": video, "goal": goal},
    )
