"""`foresight generate`: a video from a prompt, pictures and clips with an LTX-Video checkpoint."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from jaxtyping import Float
from torch import Tensor

from foresight.cli.console import console, print_table, progress_bar
from foresight.errors import UserError
from foresight.run import RunDirectory
from ltx.conditioning import ConditioningItem
from ltx.flow import Progress
from ltx.lora import combined, merge, read_lora
from ltx.media import read_picture, sample_video, write_mp4
from ltx.media.folder import PICTURES
from ltx.pipeline import LTXPipeline, StartingVideo, image_condition


def generate(
    *,
    pipeline: LTXPipeline,
    prompt: str,
    negative_prompt: str,
    conditions: Sequence[Mapping[str, Any]],
    references: Sequence[str | Path],
    repaint: Mapping[str, Any] | None,
    loras: Sequence[Mapping[str, Any]],
    frames: int,
    height: int,
    width: int,
    frame_rate: float,
    steps: int | None,
    preset: str | None,
    seed: int,
    run: str | Path,
    replace: bool,
    config: Mapping[str, Any],
) -> None:
    """Generate one video and write it into a run directory.

    Args:
        pipeline: the checkpoint with its text encoder.
        prompt: what is to be seen.
        negative_prompt: what is to be avoided, where the preset uses guidance.
        conditions: pictures and clips to be found in the video: `file`, `start` (frame, 0) and `strength` (1).
        references: reference videos of an IC-LoRA.
        repaint: a video to start from: `file` and `noise_level`.
        loras: updates of the transformer: `file`, `strength` (1) and `alpha` (what the file says).
        frames: any number; rounded up to 8k+1 for generation and cut back.
        height: any number of pixels; padded to a multiple of 32 and cropped back.
        width: likewise.
        frame_rate: frames per second.
        steps: None takes the preset's.
        preset: name of a sampling preset; None takes the checkpoint's.
        seed: of the noise.
        run: folder to write.
        replace: whether a finished run of that name may be replaced.
        config: plain configuration, recorded.

    Raises:
        UserError: if an entry of a list lacks a field or has an unknown one.
        MediaError: if a picture or clip cannot be read.
        CheckpointError: if a LoRA does not fit.
        ValueError: if a value is out of its range.
    """
    with RunDirectory(run, replace=replace) as folder:
        if entries := _entries("loras", loras, optional=("alpha",), strength=1.0):
            read = [(read_lora(entry["file"], alpha=entry.get("alpha")), entry["strength"]) for entry in entries]
            merge(pipeline.transformer, combined(read))

        def footage(file: str | Path, count: int) -> Float[Tensor, "1 3 frame height width"]:
            found = sample_video(file, frame_rate=frame_rate, frames=count, size=(height, width))
            found.warn()
            return found.video[None]

        given = [
            _condition(footage, item, frames, (height, width))
            for item in _entries("conditions", conditions, start=0, strength=1.0)
        ]
        start = None
        for item in _entries("repaint", [] if repaint is None else [repaint], noise_level=None):
            start = StartingVideo(footage(item["file"], frames), item["noise_level"])
        began = perf_counter()
        with progress_bar("sampling") as report:
            result = pipeline(
                prompt,
                negative_prompt=negative_prompt,
                conditions=given,
                references=[footage(file, frames) for file in references],
                start=start,
                frames=frames,
                height=height,
                width=width,
                frame_rate=frame_rate,
                steps=steps,
                preset=preset,
                seed=seed,
                on_step=_told(report),
            )
        seconds = perf_counter() - began
        assert result.video is not None
        write_mp4(folder / "video.mp4", result.video[0].float().clamp(-1, 1).cpu(), frame_rate=frame_rate)
        folder.write_config(config)
        folder.write_environment()
        used = preset or pipeline.preset.name
        folder.write_metrics({"seconds": seconds, "preset": used, "sources": pipeline.sources})
        size = f"{height}×{width}"
        print_table(
            "video",
            [{"preset": used, "frames": str(frames), "size": size, "seed": str(seed), "seconds": f"{seconds:.1f}"}],
        )
    console.print(f"run directory {folder.path}")


def _condition(
    footage: Callable[[str, int], Tensor], item: Mapping[str, Any], frames: int, size: tuple[int, int]
) -> ConditioningItem:
    """A picture as the released command line prepares it, or a clip as it is."""
    file, start, strength = item["file"], item["start"], item["strength"]
    if Path(file).suffix.lower() in PICTURES:
        height, width = size
        picture = read_picture(file, size=size)
        return image_condition(picture, height=height, width=width, start=start, strength=strength)
    return ConditioningItem(footage(file, max(1, frames - start)), start, strength)


def _entries(
    name: str, given: Sequence[Mapping[str, Any]], *, optional: tuple[str, ...] = (), **defaults: Any
) -> list[dict[str, Any]]:
    """Entries with a `file` and numbers, filled up; a default of None has to be given, an optional number need not."""
    known = ("file", *defaults, *optional)
    filled = []
    for entry in given:
        entry = {**defaults, **entry} if isinstance(entry, Mapping) else {}
        if isinstance(entry.get("file"), str):
            entry["file"] = os.path.expanduser(entry["file"])
        numbers = [entry.get(field) for field in known[1:] if field in entry or field in defaults]
        complete = isinstance(entry.get("file"), str) and {"file", *defaults} <= set(entry) <= set(known)
        if not complete or not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
            raise UserError(
                expected=f"entries of {name} with a file and the numbers {', '.join(known[1:])}",
                got=repr(given),
                remedy=f"write {name} as in `foresight generate --help`",
            )
        filled.append(entry)
    return filled


def _told(report: Callable[[int, int], None]) -> Callable[[Progress], None]:
    return lambda progress: report(progress.step, progress.steps)
